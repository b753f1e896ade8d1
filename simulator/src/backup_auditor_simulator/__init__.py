"""A Pinecone control plane on loopback, under a clock that can be set."""

from backup_auditor_simulator.cadence import Frequency
from backup_auditor_simulator.conduct import Conduct, CustomerKeys, PausedNextRun
from backup_auditor_simulator.errors import RefusedError
from backup_auditor_simulator.model import Backup, Fate, Index, Kind, Schedule, State
from backup_auditor_simulator.scenarios import SCENARIOS, scenario
from backup_auditor_simulator.web.desk import Request
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from backup_auditor_simulator.world import World

__all__ = [
    "SCENARIOS",
    "Backup",
    "Conduct",
    "CustomerKeys",
    "Fate",
    "Fault",
    "FaultKind",
    "Frequency",
    "Index",
    "Kind",
    "PausedNextRun",
    "RefusedError",
    "Request",
    "Schedule",
    "Server",
    "State",
    "World",
    "scenario",
]

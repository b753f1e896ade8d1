"""A Pinecone control plane on loopback, under a clock that can be set."""

from backup_auditor_simulator.errors import RefusedError
from backup_auditor_simulator.model import Backup, Frequency, Index, Kind, RunOutcome, Schedule, State
from backup_auditor_simulator.options import CustomerKeys, PausedNextRun, SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import SCENARIOS, scenario
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.recorder import Request
from backup_auditor_simulator.web.server import Server

__all__ = [
    "SCENARIOS",
    "Backup",
    "CustomerKeys",
    "Fault",
    "FaultKind",
    "Frequency",
    "Index",
    "Kind",
    "PausedNextRun",
    "RefusedError",
    "Request",
    "RunOutcome",
    "Schedule",
    "Server",
    "SimulatedProject",
    "SimulatorOptions",
    "State",
    "scenario",
]

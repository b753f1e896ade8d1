"""A Pinecone control plane on loopback, under a clock that can be set."""

from backup_auditor_simulator.errors import ApiError
from backup_auditor_simulator.model import Backup, BackupState, Frequency, Index, IndexKind, RunOutcome, Schedule
from backup_auditor_simulator.options import CustomerKeySupport, PausedNextRun, SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import SCENARIOS, build_scenario
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.recorder import RecordedRequest
from backup_auditor_simulator.web.server import Server

__all__ = [
    "SCENARIOS",
    "ApiError",
    "Backup",
    "BackupState",
    "CustomerKeySupport",
    "Fault",
    "FaultKind",
    "Frequency",
    "Index",
    "IndexKind",
    "PausedNextRun",
    "RecordedRequest",
    "RunOutcome",
    "Schedule",
    "Server",
    "SimulatedProject",
    "SimulatorOptions",
    "build_scenario",
]

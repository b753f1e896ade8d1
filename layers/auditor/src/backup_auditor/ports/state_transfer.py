"""The interface of a store from which the state of a project is exported, and into which one is imported."""

from typing import Protocol

from backup_auditor.domain.exported_state import ExportedState, StateImport


class StateTransfer(Protocol):
    """A store from which the state of a project is exported, and into which one is imported.

    Its methods raise `StateError`.
    """

    def export_state(self, project: str) -> ExportedState:
        """Return everything that is stored about a project and can be moved, as of one time."""

    def import_state(self, state_import: StateImport) -> None:
        """Write everything.

        Raises `ConflictingRecordError` if an audit was recorded, or a drill has changed, since the state was read.
        """

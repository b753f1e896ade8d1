"""Test that an import into a table that ends at any call can be repeated, and leaves a state that can be read."""

from dataclasses import replace
from itertools import count

import pytest

from backup_auditor.adapters.dynamodb.state_transfer import DynamoTransfer
from backup_auditor.domain.exported_state import ExportedState, build_import
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from support.aws.dynamodb import open_table
from support.builders.exported_states import PROJECT, build_exported_state
from support.builders.facts import DAY, NOW
from support.faults.aws_clients import KilledError, NthCallFault, inject_fault, make_raiser

EXPORTED = build_exported_state(60)
EARLIER = ExportedState(PROJECT, ProjectState(revision=30, audit_id="a-0", observed_at=NOW - 5 * DAY))


@pytest.mark.parametrize("after", [pytest.param(False, id="before-call"), pytest.param(True, id="after-call")])
@pytest.mark.parametrize("earlier", [pytest.param(None, id="empty-table"), pytest.param(EARLIER, id="earlier-state")])
def test_an_import_that_is_killed_can_be_repeated(earlier: ExportedState | None, *, after: bool) -> None:
    """After a kill at any call, the table has the earlier or the new state, and a repeated import completes it."""
    before = EMPTY_STATE if earlier is None else earlier.state
    for call_number in count():
        with open_table() as (client, table):
            store = DynamoTransfer(client, table)
            if earlier is not None:
                import_state(store, earlier)
            fault = NthCallFault(make_raiser(KilledError), call_number)
            is_killed = False
            with inject_fault(client, fault, after=after):
                try:
                    import_state(store, EXPORTED)
                except KilledError:
                    is_killed = True
            stored = store.export_state(PROJECT)
            state, exported_state = (replace(it.without_derived(), revision=0) for it in (stored.state, EXPORTED.state))
            assert state in (replace(before, revision=0), exported_state)
            state_import = build_import(EXPORTED, stored)
            if state_import is not None:
                assert state_import.is_replacement is (earlier is not None and state != exported_state)
                store.import_state(state_import)
            final = store.export_state(PROJECT)
            assert replace(final, state=replace(final.state, revision=12)) == EXPORTED
            if not is_killed:
                break
    assert call_number > 8


def import_state(store: DynamoTransfer, exported: ExportedState) -> None:
    """Import a state, if the table does not have it."""
    state_import = build_import(exported, store.export_state(PROJECT))
    if state_import is not None:
        store.import_state(state_import)

"""Test that `registry discover --table` reads Pinecone's ids of projects from a table."""

from collections.abc import Mapping
from functools import cache

import pytest

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.state_transfer import DynamoTransfer
from backup_auditor.bootstrap import local
from backup_auditor.domain.exported_state import build_import
from support.aws.dynamodb import make_table
from support.builders.exported_states import PROJECT, build_exported_state


def test_ids_of_states_in_a_table_are_read(aws_variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A project whose state has an id is returned with it; others are left out."""
    for name, value in aws_variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(local, "_make_session", cache(AwsSession))
    client = AwsSession().dynamodb
    make_table(client, "ids")
    store, exported = DynamoTransfer(client, "ids"), build_exported_state()
    state_import = build_import(exported, store.export_state(PROJECT))
    assert state_import is not None
    store.import_state(state_import)
    project_id = exported.state.pinecone_project_id
    assert project_id is not None
    assert local.load_project_ids_in_table("ids", ["other", PROJECT]) == {PROJECT: project_id}

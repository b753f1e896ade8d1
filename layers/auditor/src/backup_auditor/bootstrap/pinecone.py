"""Open a Pinecone project, or an organization, for reading; and connect to a project for anything else."""

from contextlib import AbstractContextManager
from dataclasses import asdict

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.flow_control import CallSlots
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.ports.pinecone import OrganizationReader, TimedReader
from backup_auditor.settings.pinecone import OrganizationSettings, PineconeSettings


def make_connection(settings: PineconeSettings) -> Connection:
    """Return how to connect to the project of the settings."""
    return Connection(**asdict(settings))


def open_project(
    settings: PineconeSettings, call_slots: CallSlots | None = None
) -> AbstractContextManager[TimedReader]:
    """Open the project of the settings, read-only. Projects may share their `call_slots`."""
    return open_reader(make_connection(settings), call_slots=call_slots)


def open_organization_of(settings: OrganizationSettings) -> AbstractContextManager[OrganizationReader]:
    """Open the organization of the settings, read-only."""
    from backup_auditor.adapters.pinecone.organization import (  # noqa: PLC0415  no audit needs it
        ServiceAccount,
        open_organization,
    )

    return open_organization(ServiceAccount(**asdict(settings)))

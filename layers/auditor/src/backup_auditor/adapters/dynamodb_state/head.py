"""The head of a project: which audit was recorded last, and which chunks hold what is remembered since."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backup_auditor.adapters.dynamodb_state.items import (
    HEAD,
    Item,
    key,
    moment_in,
    moment_text,
    number,
    project_key,
    text,
)
from backup_auditor.adapters.dynamodb_state.packing import LARGEST, Listing
from backup_auditor.adapters.history_text import history_of, history_text
from backup_auditor.domain.history import PastAudit
from backup_auditor.domain.memory import Memory
from backup_auditor.domain.recording import Recording
from backup_auditor.errors import StateError

VERSION = 2
"""Grows when the items change; what a newer version wrote is left alone."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last recording of a project. The chunks it names were written before it, and stay until the next."""

    revision: int
    writer: str
    """Made up for each recording: two that were made for the same revision are told apart by it."""
    audit_id: str | None
    observed_at: datetime | None
    complete_at: datetime | None
    policy_sha256: str | None
    listing: Listing
    history: tuple[PastAudit, ...] = ()
    pinecone_project_id: str | None = None
    """A head of version 1 has none."""

    @property
    def chunks(self) -> frozenset[str]:
        """The names of all chunks."""
        return frozenset(
            name for places in self.listing.values() for names in places.values() for name in names if name is not None
        )

    def memory(self, **known: Any) -> Memory:  # noqa: ANN401  the fields of a memory
        """Return what is remembered, given what the chunks hold."""
        return Memory(
            revision=self.revision,
            audit_id=self.audit_id,
            observed_at=self.observed_at,
            complete_at=self.complete_at,
            policy_sha256=self.policy_sha256,
            history=self.history,
            pinecone_project_id=self.pinecone_project_id,
            **known,
        )


EMPTY = Head(0, "", None, None, None, None, {})
"""What stands for the head of a project that nothing was recorded of."""


def head_of(recording: Recording, writer: str, listing: Listing) -> Head:
    """Return the head that a recording makes."""
    return Head(
        revision=recording.revision,
        writer=writer,
        audit_id=recording.audit_id,
        observed_at=recording.observed_at,
        complete_at=recording.complete_at,
        policy_sha256=recording.policy_sha256,
        listing=listing,
        history=recording.history,
        pinecone_project_id=recording.pinecone_project_id,
    )


def head_item(project: str, head: Head) -> Item:
    """Write a head. Raises `StateError` where it names more chunks than an item takes, which is some 100 GB."""
    chunks = zlib.compress(json.dumps(head.listing, separators=(",", ":")).encode())
    if len(chunks) > LARGEST:
        raise StateError(f"{project}: more backups are remembered than DynamoDB takes; divide the project")
    item = {
        **key(project_key(project), HEAD),
        "version": number(VERSION),
        "revision": number(head.revision),
        "writer": text(head.writer),
        "chunks": {"B": chunks},
        "history": text(history_text(head.history)),
    }
    if head.audit_id is not None:
        item["audit_id"] = text(head.audit_id)
    if head.observed_at is not None:
        item["observed_at"] = text(moment_text(head.observed_at))
    if head.complete_at is not None:
        item["complete_at"] = text(moment_text(head.complete_at))
    if head.policy_sha256 is not None:
        item["policy_sha256"] = text(head.policy_sha256)
    if head.pinecone_project_id is not None:
        item["pinecone_project_id"] = text(head.pinecone_project_id)
    return item


def read_head(project: str, item: Mapping[str, Any]) -> Head:
    """Read a head. Raises `StateError` where a newer version wrote it."""
    version = int(item["version"]["N"])
    if version > VERSION:
        raise StateError(f"{project}: a newer backup-auditor wrote this state (version {version}); update this one")
    return Head(
        revision=int(item["revision"]["N"]),
        writer=item["writer"]["S"],
        audit_id=item["audit_id"]["S"] if "audit_id" in item else None,
        observed_at=moment_in(item, "observed_at"),
        complete_at=moment_in(item, "complete_at"),
        policy_sha256=item["policy_sha256"]["S"] if "policy_sha256" in item else None,
        listing=json.loads(zlib.decompress(item["chunks"]["B"])),
        history=history_of(item["history"]["S"]) if "history" in item else (),
        pinecone_project_id=item["pinecone_project_id"]["S"] if "pinecone_project_id" in item else None,
    )

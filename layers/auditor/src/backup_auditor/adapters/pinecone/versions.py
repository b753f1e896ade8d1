"""The API versions that have the calls about backups and schedules."""

import re

from backup_auditor.errors import NotFoundError, PineconeError

FIRST_WITH_BACKUPS = "2025-04"
FIRST_WITH_SCHEDULES = "2026-07"
"""Earlier, only `unstable` has schedules."""
_DATED_VERSION = re.compile(r"\d{4}-\d{2}")


def explain_missing(error: PineconeError, target: bytes, version: str) -> PineconeError:
    """Return an error; if a 404 means that the API version lacks the call, with the variable to set."""
    if not isinstance(error, NotFoundError) or _DATED_VERSION.fullmatch(version) is None:
        return error
    if _find_collection(target) == b"backup-schedules" and version < FIRST_WITH_SCHEDULES:
        return NotFoundError(
            f"{error}; API version {version} has no backup schedules: "
            f"set PINECONE_SCHEDULES_API_VERSION to unstable, or PINECONE_API_VERSION to {FIRST_WITH_SCHEDULES}"
        )
    if _find_collection(target) == b"backups" and version < FIRST_WITH_BACKUPS:
        return NotFoundError(
            f"{error}; API version {version} has no backups: set PINECONE_API_VERSION to {FIRST_WITH_SCHEDULES}"
        )
    return error


def _find_collection(target: bytes) -> bytes:
    """Return the last collection of the path of a call, whatever the name of the index is."""
    _, collection, *segments = target.partition(b"?")[0].split(b"/")
    return segments[1] if collection == b"indexes" and len(segments) > 1 else collection

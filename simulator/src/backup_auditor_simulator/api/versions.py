"""The versions of the API, and the three families of shapes they fall into."""

from dataclasses import dataclass

from backup_auditor_simulator.errors import RefusedError, invalid


@dataclass(frozen=True, slots=True)
class Family:
    """Versions that answer alike."""

    name: str
    has_schedules: bool
    is_new: bool
    """Whether it has the shapes of 2026-07."""

    @property
    def page_size(self) -> int:
        """How many rows a page has when the call does not say."""
        return 100 if self.is_new else 10


_DATED = Family("dated", has_schedules=False, is_new=False)
_UNSTABLE = Family("unstable", has_schedules=True, is_new=False)
_NEW = Family("2026-07", has_schedules=True, is_new=True)

OLDEST = "2025-04"
"""What a request without a version gets."""

_VERSIONS = {OLDEST: _DATED, "2025-10": _DATED, "2026-04": _DATED, "unstable": _UNSTABLE, "2026-07": _NEW}


def family_of(version: str | None) -> Family:
    """Return the family of a version, or refuse with 400 one that is not supported."""
    family = _VERSIONS.get(version or OLDEST)
    if family is None:
        raise invalid(f"Unsupported API version {version!r}.")
    return family


def unauthorized() -> RefusedError:
    """Make a 401."""
    return RefusedError(401, "UNAUTHENTICATED", "Invalid API key.")

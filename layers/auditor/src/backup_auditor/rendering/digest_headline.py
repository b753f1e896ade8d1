"""The first line of a digest: how bad it is, for what, and what to do."""

from collections import Counter
from collections.abc import Iterable, Sequence

from backup_auditor.domain.alerting.digest import Digest
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.grouping import place, place_of
from backup_auditor.rendering.text import shortened
from backup_auditor.rendering.verdict import INCOMPLETE, incompleteness, verdict

_NAME = 200
_SENTENCE = 500


def headline(digest: Digest) -> str:
    """Return the line that a reader who reads no more must have read."""
    return f"{brief(digest)}. {explanation(digest)}".rstrip()


def explanation(digest: Digest) -> str:
    """Return what follows the shortest: what is worst, what to do about it, and whether anything was not read."""
    worst = _worst(digest)
    unread = None if worst is not None and worst.control == INCOMPLETE else incompleteness(digest.report)
    return " ".join(it for it in (unread, _advice(digest)) if it)


def brief(digest: Digest) -> str:
    """Return the shortest that can be said: how bad it is, for which project, and what happened."""
    how_bad, name, what = brief_parts(digest)
    return f"{how_bad}: {name}: {what}"


def brief_parts(digest: Digest) -> tuple[str, str, str]:
    """Return how bad it is, for which project, and what happened."""
    incomplete = "" if digest.report.is_complete else " (audit incomplete)"
    return f"{_how_bad(digest)}{incomplete}", shortened(digest.report.project, _NAME), _what(digest)


def by_severity(findings: Iterable[Finding]) -> str:
    """Count findings by severity, the worst first: `1 critical, 3 high`."""
    counted = Counter(it.severity for it in findings)
    return ", ".join(f"{counted[it]:,} {it}" for it in reversed(Severity) if counted[it])


def nothing_open(severity: Severity) -> str:
    """Say that nothing of the severities that a channel hears of is open."""
    return "nothing is open" if severity is Severity.LOW else f"nothing at or above {severity} is open"


def _how_bad(digest: Digest) -> str:
    told, worst = digest.told, _worst(digest)
    if worst is not None:
        return worst.severity.upper()
    if told.resolved:
        return "RESOLVED"
    return "ALL IS WELL" if told.is_well else "NOT KNOWN"


def _worst(digest: Digest) -> Finding | None:
    """Return what is worst of what is new, or else of what lasts."""
    return next(iter(digest.told.opened or digest.told.lasting), None)


def _what(digest: Digest) -> str:
    told = digest.told
    parts = []
    if told.opened:
        again = sum(it.lifecycle == "reopened" for it in told.opened)
        parts.append(f"{counted(len(told.opened), 'finding')} opened{_again(again)} on {_places(told.opened)}")
    if told.resolved:
        where = "" if told.opened else f" on {_named([it.resource for it in told.resolved])}"
        parts.append(f"{counted(len(told.resolved), 'finding')} resolved{where}")
    if told.lasting and parts:
        parts.append(f"still open: {by_severity(told.lasting)}")
    elif told.lasting:
        parts.append(f"{counted(len(told.lasting), 'finding')} still open on {_places(told.lasting)}")
    elif not told.opened:
        parts.append(nothing_open(told.severity))
    return "; ".join(parts)


def _again(number: int) -> str:
    return f", {number:,} of them again," if number else ""


def _places(findings: Iterable[Finding]) -> str:
    return _named([it.resource for it in findings])


def _named(resources: Sequence[Resource]) -> str:
    different = {place_of(it) for it in resources}
    if len(different) == 1:
        return shortened(different.pop(), _NAME)
    is_index = all(it.type is ResourceType.INDEX for it in resources)
    return counted(len(different), "index", "indexes") if is_index else counted(len(different), "resource")


def _advice(digest: Digest) -> str:
    """Say what is worst, and what to do about it."""
    told, worst = digest.told, _worst(digest)
    if worst is not None:
        reason, next_step = (shortened(it, _SENTENCE) for it in (worst.reason, worst.remediation))
        is_named = len(told.opened) + len(told.lasting) == 1 and not told.resolved
        first = "" if is_named else f"First: {shortened(place(worst), _NAME)}: "
        stop = "" if reason.endswith((".", "…")) else "."  # it may end with an error of the service
        return f"{first}{reason}{stop}" + (f" Next: {next_step}" if next_step else "")
    if told.unknown:
        return f"{counted(len(told.unknown), 'verdict')} could not be given."
    if digest.report.compliance is Compliance.COMPLIANT:
        return verdict(digest.report)
    return ""

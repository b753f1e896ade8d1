"""What stands below the first line of a digest: rows under titles, so many as have room, and how many have not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backup_auditor.domain.alerting.digest import Digest
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.history import Resolved
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.digest_headline import by_severity
from backup_auditor.rendering.grouping import place, place_of
from backup_auditor.rendering.text import format_json, shortened

_LENGTH = 1000
"""How long one text of a row may be: no name and no reason takes the place of all others."""

_FATES = {"propose": "proposed alone", "apply": "the policy has it carried out"}


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind. The title and what is said of the rest are our own words alone."""

    title: str
    rows: tuple[str, ...]
    rest: str = ""
    """How many more there are, and of what; empty where all are shown."""


def sections(digest: Digest, shown: int) -> tuple[Section, ...]:
    """Return what is new, ended, lasts, is proposed, not known or warned of: of each at most so many rows."""
    told = digest.told
    found = (
        _findings("Opened", told.opened, shown, digest),
        _resolved(told.resolved, shown),
        _findings("Still open", told.still_open, shown, digest),
        _findings("Open before, and not to be judged now", told.out_of_sight, shown, digest),
        _proposals(digest, shown),
        _unread(digest, shown),
        _warnings(digest, shown),
    )
    return tuple(it for it in found if it is not None)


def remarks(digest: Digest) -> tuple[str, ...]:
    """Return what else is to be known of the audit, a sentence each, in our own words alone."""
    report, told = digest.report, digest.told
    said = []
    if digest.may_be_repeat:
        said.append("This may be a repeat: whether an earlier attempt reached you is not known.")
    below = sum(report.summary.open.values()) - len(told.open)
    if below:
        is_or_are = "is" if below == 1 else "are"
        said.append(f"{counted(below, 'finding')} below {told.severity} {is_or_are} open and not told here.")
    new_unknown = len(told.unknown) - len(told.out_of_sight)
    if new_unknown:
        said.append(
            f"{counted(new_unknown, 'further verdict' if told.out_of_sight else 'verdict')} could not be given."
        )
    if report.summary.exempted:
        said.append(f"Accepted by exemptions: {counted(report.summary.exempted, 'finding')}.")
    if report.drift:
        said.append(
            f"{counted(len(report.drift), 'setting')} changed since the last complete audit; the report names them."
        )
    return tuple(said)


def _findings(title: str, findings: Sequence[Finding], shown: int, digest: Digest) -> Section | None:
    if not findings:
        return None
    title = f"{title} ({len(findings):,}: {by_severity(findings)})"
    rows = tuple(_finding(it, digest) for it in findings[:shown])
    return Section(title, rows, _rest(findings[shown:]))


def _rest(findings: Sequence[Finding]) -> str:
    return f"And {len(findings):,} more: {by_severity(findings)}." if findings else ""


def _finding(finding: Finding, digest: Digest) -> str:
    head = f"{finding.severity.upper()} {_short(place(finding))}: {_short(finding.control)}{_since(finding, digest)}"
    lines = [head, f"  {_short(finding.reason)}"]
    if finding.remediation:
        lines.append(f"  Next: {_short(finding.remediation)}")
    return "\n".join(lines)


def _since(finding: Finding, digest: Digest) -> str:
    if finding.first_seen is None or finding.lifecycle == "new":
        return ""
    day = finding.first_seen.date()
    if finding.lifecycle == "reopened":
        return f" (reopened, first seen {day})"
    return f" (since {day}; reminder)" if digest.is_reminder(finding) else f" (since {day})"


def _resolved(resolved: Sequence[Resolved], shown: int) -> Section | None:
    rows = (f"{_ended(it)}\n  {_short(it.because)}" for it in resolved[:shown])
    return _plain_section("Resolved", rows, len(resolved), shown)


def _ended(resolved: Resolved) -> str:
    return f"{_short(place_of(resolved.resource))}: {_short(resolved.control)} (was {resolved.severity})"


def _unread(digest: Digest, shown: int) -> Section | None:
    unread = digest.report.unread
    rows = (f"{_short(it.what)}: {_short(it.error)}" for it in unread[:shown])
    return _plain_section("Could not be read", rows, len(unread), shown)


def _warnings(digest: Digest, shown: int) -> Section | None:
    warnings = digest.report.warnings
    return _plain_section("Warnings", map(_short, warnings[:shown]), len(warnings), shown)


def _proposals(digest: Digest, shown: int) -> Section | None:
    proposals = digest.report.proposals or ()
    rows = (
        f"{_short(it.index)}: {it.kind} ({_FATES[it.mode]})\n  {_short(it.because)}\n"
        f"  {it.method} {_short(it.path)} {_short(format_json(dict(it.body)))}"
        for it in proposals[:shown]
    )
    return _plain_section("Proposed", rows, len(proposals), shown)


def _plain_section(title: str, rows: Iterable[str], total: int, shown: int) -> Section | None:
    if not total:
        return None
    rest = f"And {total - shown:,} more." if total > shown else ""
    return Section(f"{title} ({total:,})", tuple(rows), rest)


def _short(text: str) -> str:
    return shortened(text, _LENGTH)

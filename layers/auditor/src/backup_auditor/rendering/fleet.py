"""The fleet in words: the summary of all projects, and the figures of each."""

from collections.abc import Iterator

from backup_auditor.domain.discovery_notice import UnregisteredProject
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.reporting.fleet import FindingChanges, Fleet, FleetProject, QuotaUse, UnregisteredProjects
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_minute

UNKNOWN = "unknown"


def describe_fleet(fleet: Fleet) -> str:
    """Return the most important sentence about the fleet."""
    compliance = fleet.totals.compliance
    counts = (
        (len(fleet.unaudited), "not audited"),
        (compliance[Compliance.NON_COMPLIANT], "non-compliant"),
        (compliance[Compliance.INSUFFICIENT_DATA], UNKNOWN),
        (compliance[Compliance.COMPLIANT], "compliant"),
    )
    parts = ", ".join(f"{count:,} {label}" for count, label in counts if count)
    sentence = f"{pluralize(fleet.project_count, 'project')}{f': {parts}' if parts else ''}."
    return " ".join((sentence, *_describe_unregistered(fleet.unregistered)))


def _describe_unregistered(unregistered: UnregisteredProjects | None) -> Iterator[str]:
    """Yield a sentence if there is something to do."""
    if unregistered is None:
        return
    if unregistered.projects:
        count = len(unregistered.projects)
        yield f"Register or ignore {pluralize(count, 'project')}: nothing audits {'it' if count == 1 else 'them'}."
    if not unregistered.is_current:
        yield "Which projects are unregistered is unknown now; read the log of the function watch."


def build_total_rows(fleet: Fleet) -> list[tuple[str, str]]:
    """Return the totals of the fleet."""
    totals = fleet.totals
    incomplete_clause = f" in {pluralize(totals.incomplete_count, 'project')}" if totals.incomplete_count else ""
    changes = describe_changes(totals.changes)
    return [
        ("open", ", ".join(f"{count:,} {severity}" for severity, count in totals.open_counts.items())),
        ("unknown", f"{totals.unknown_count:,} findings; {totals.exempted_count:,} exempted"),
        ("coverage", _describe_coverage(fleet)),
        ("indexes", f"{totals.index_count:,}"),
        ("read errors", f"{totals.read_error_count:,}{incomplete_clause}"),
        *([] if changes is None else [("changes", changes)]),
        *([] if fleet.unregistered is None else [("unregistered", _count_unregistered(fleet.unregistered))]),
    ]


def _count_unregistered(unregistered: UnregisteredProjects) -> str:
    """Return how many projects are unregistered, and when the organization was last listed."""
    look = "never listed" if unregistered.as_of is None else f"last listed {format_minute(unregistered.as_of)}"
    if not unregistered.is_current:
        return f"{UNKNOWN}, {look}"
    return f"{len(unregistered.projects):,}, {look}"


def describe_unregistered_project(project: UnregisteredProject) -> str:
    """Return what is known about an unregistered project beside its name and id."""
    created = [] if project.created_at is None else [f"created {project.created_at.date()}"]
    return ", ".join(
        (*created, f"first seen {project.first_seen.date()}", *([project.detail] if project.detail else []))
    )


def describe_changes(changes: FindingChanges | None) -> str | None:
    """Return the changes since the previous audit; `None` if there is none to compare with."""
    return None if changes is None else f"{changes.new:,} new, {changes.resolved:,} resolved"


def _describe_coverage(fleet: Fleet) -> str:
    percent, unknown_count = fleet.totals.coverage_percent, fleet.unknown_coverage_count
    unknown_clause = f"{UNKNOWN} in {pluralize(unknown_count, 'project')}" if unknown_count else ""
    if percent is not None:
        text = f"{percent:g} % of the indexes that can be backed up"
        return f"{text}; {unknown_clause}" if unknown_clause else text
    return unknown_clause or ("no index can be backed up" if fleet.projects else UNKNOWN)


def format_coverage(project: FleetProject) -> str:
    """Return the share of protected indexes; `none` if no index can be backed up."""
    if project.coverage_percent is None:
        return "none" if project.is_coverage_known else UNKNOWN
    return f"{project.coverage_percent:g} %"


def format_open_counts(project: FleetProject) -> str:
    """Return the numbers of open findings: critical, high, medium, low."""
    return "/".join(f"{project.open_counts[it]}" for it in reversed(Severity))


def format_age(project: FleetProject) -> str:
    """Return the worst age of a newest recovery point, and its objective."""
    age = project.worst_age
    if age is None:
        return "none" if project.is_age_known else UNKNOWN
    return f"{format_length(age.age)} of {format_length(age.max_age)}"


def format_end(project: FleetProject) -> str:
    """Return the time until the first index has no recovery point left, if none is added."""
    end = project.first_end
    if end is None:
        return "never" if project.is_end_known else UNKNOWN
    return format_length(end.at - project.observed_at) if end.at > project.observed_at else "now"


def format_quota(project: FleetProject) -> str:
    """Return the used part of the quota now, and when the schedules have filled up."""
    quota = project.quota
    if quota is None:
        return "none"
    shares = [_format_share(quota, it) for it in (quota.used, quota.used_when_full)]
    return " to ".join(dict.fromkeys(shares))


def _format_share(quota: QuotaUse, used: int | None) -> str:
    return UNKNOWN if used is None else f"{100 * used // quota.quota} %"


def format_proof(project: FleetProject) -> str:
    """Return when a restore drill last passed."""
    proof = project.last_proof
    if proof is None:
        return "none" if project.is_proof_known else UNKNOWN
    return f"{format_length(project.observed_at - proof.ended_at)} ago"


def list_remarks(project: FleetProject) -> Iterator[str]:
    """Return what is remarkable about a project beside its figures."""
    if project.read_error_count:
        yield pluralize(project.read_error_count, "read error")
    if project.unknown_count:
        yield f"{project.unknown_count:,} {UNKNOWN}"
    if project.last_proof is not None or not project.is_proof_known:
        yield f"last restore proof {format_proof(project)}"
    if project.changes is not None and (project.changes.new or project.changes.resolved):
        yield str(describe_changes(project.changes))

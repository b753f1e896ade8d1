"""Generate the samples of events and of a message to an SNS topic."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.audit_failure import FailedAudit, WatchedProject, find_failure
from backup_auditor.domain.audit_record import LastAudits, StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryNotice, UnregisteredProject
from backup_auditor.domain.drills.drill import (
    VALIDATION_STATES,
    DeletionState,
    DrillRecord,
    RestorePoint,
    RestoreState,
)
from backup_auditor.domain.drills.verification import (
    ExpectedContent,
    FetchedRecord,
    FoundContent,
    FoundSample,
    SampledRecord,
    build_verification,
)
from backup_auditor.domain.evaluation.results import Coverage
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity, compute_fingerprint
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.digest import create_digest, create_messages
from backup_auditor.domain.notifications.discovery import create_discovery_messages
from backup_auditor.domain.notifications.failures import FAILURE_SEVERITY, create_notice_messages, find_notice
from backup_auditor.domain.notifications.fleet_night import create_digest_messages
from backup_auditor.domain.outbox import FLEET, Channel, ChannelKind, FleetChannel, Trigger
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState, CreateSchedule, Proposal, RemediationPlan
from backup_auditor.domain.reporting.fleet import UnauditedProject, UnregisteredProjects, build_fleet
from backup_auditor.domain.reporting.fleet_rows import summarize_project
from backup_auditor.domain.reporting.report import InventoryCounts, Report, Summary
from backup_auditor.rendering.channel_test import build_test_publication
from backup_auditor.rendering.digest import build_report_link
from backup_auditor.rendering.discovery_notice import DiscoveryMessage
from backup_auditor.rendering.drill_json import build_drill_event
from backup_auditor.rendering.events import (
    build_audit_events,
    build_creation_event,
    build_discovery_events,
    build_failure_event,
    build_proposal_events,
)
from backup_auditor.rendering.failure_notice import NoticeMessage
from backup_auditor.rendering.fleet_digest import FLEET_EVENT, FleetDigest
from backup_auditor.rendering.fleet_json import FleetDocument
from backup_auditor.rendering.sns import (
    Publication,
    build_discovery_publication,
    build_fleet_publication,
    build_notice_publication,
    build_publication,
)
from docs.markdown import table

_NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
_AUDIT_ID = "4c1f0a52e6d9478b93a6f1b7d2c85e30"
_FOLDER = f"s3://evidence-of-backups/search/2026-11-02/{_AUDIT_ID}"
_PAGE = StoredFile(f"{_FOLDER}/report.html", "7c" * 32)
_KEPT = StoredReport(f"{_FOLDER}/report.json", "9f" * 32, _PAGE)
_TOPIC = Channel(ChannelKind.SNS, "arn:aws:sns:eu-central-1:111122223333:backup-auditor-search")
_COMMON = ("schema_version", "project", "audit_id", "observed_at", "report")
_SENT = {
    "Backup Audit Completed": "Sent after each audit that was recorded, complete or not.",
    "Backup Finding Opened": "Sent when a finding is non-compliant for the first time.",
    "Backup Finding Reopened": "Sent when a finding is non-compliant again after it was resolved.",
    "Backup Finding Resolved": "Sent when an open finding is compliant or not applicable, or its resource is gone.",
    "Backup Audit Failed": "Sent once when the audit of a project failed in all attempts or is overdue. The next"
    " `Backup Audit Completed` of the project with `complete` true is its end.",
    "Backup Project Unregistered": "Sent once for each project that a daily look at the organization newly finds"
    " neither registered nor ignored. No event is its end.",
    "Backup Schedule Proposed": "Sent for each action that the policy proposes, after each audit as long as it is due.",
    "Backup Schedule Created": "Sent for each action that was applied, whatever its kind.",
    "Backup Restore Drill Completed": "Sent once a drill has ended that `passed`, or that restored the backup and could"
    " not check all of it (`not_verified`).",
    "Backup Restore Drill Failed": "Sent once a drill has ended that `failed`, or whose outcome is `unknown`.",
}
"""When each event is sent."""
_MEANINGS = {
    "actor": "Who applied the action: the function and the invocation.",
    "after": "The settings that were read after the action.",
    "audit_id": "The audit. The same audit has the same id.",
    "before": "The settings that were read before the action.",
    "call": "The API call: `method`, `path` and `body`.",
    "changes": "How many findings were `opened`, `reopened` and `resolved`. One event follows for each.",
    "complete": "Whether the audit had no read error.",
    "compliance": "The compliance of the whole project.",
    "control": "The id of the [control](controls.md).",
    "created_at": "When the facts were read that the plan is made from.",
    "detail": "More about the result; empty when there is nothing to add.",
    "event": "The most urgent change that the message reports.",
    "findings": "Opened and reopened findings, then findings with a reminder, worst first.",
    "fingerprint": "Identifies control and resource. It is the same in every audit.",
    "first_seen": "When the finding was first non-compliant.",
    "headline": "The message in one line.",
    "id": "The id of the schedule or the backup that was created or changed.",
    "index": "The index.",
    "kind": "`create_schedule`, `update_schedule` or `first_backup`.",
    "last_complete_at": "The time of the last complete audit, or null.",
    "message_id": "Identifies the message. It is the same when the message is sent again.",
    "min_severity": "The lowest severity that the channel receives.",
    "name": "The name of the schedule or the backup.",
    "notice": "What the message says about the failure: `opened`, `reminder` or `resolved`.",
    "observed_at": "The time to which the findings apply, in UTC.",
    "omitted": "How many entries do not fit into the message.",
    "open": "How many findings are open, by severity.",
    "opened": "How many findings were opened.",
    "plan_id": "The plan: project, policy and actions.",
    "possible_duplicate": "Whether an earlier delivery could not be confirmed.",
    "previously_open_now_unknown": "How many findings were open before and could not be evaluated now.",
    "project": "The name of the project.",
    "proposals": "Actions that the policy proposes or applies; absent if there are none.",
    "proposal_count": "How many actions the policy proposes or applies.",
    "read_errors": "The calls that could not be completed, each with its error.",
    "read_error_count": "How many calls could not be completed.",
    "reason": "Why the finding is open or resolved, or why the action is due: one sentence that names the values.",
    "remediation": "What to do.",
    "reopened": "How many findings were reopened.",
    "report": "`location` and `sha256` of the report as JSON; `page` has the same for the HTML page, or is null.",
    "resolved": "How many findings were resolved.",
    "resolved_at": "When the finding was resolved.",
    "resolved_findings": "The findings that were resolved.",
    "resource": "The index, deleted index or project: `type`, `project`, `name` and `id`.",
    "schema_version": "The version of this format. Keys may be added to it; none is removed.",
    "severity": "The severity of the finding; of a message, the worst one that it reports.",
    "since": "When the failure began.",
    "slots": "How many backups of the quota the action needs.",
    "state": "The result of the action.",
    "summary": "Counts, as in the report.",
    "trigger": f"Why the message is sent: `{Trigger.CHANGE}`, `{Trigger.REMINDER}` or `{Trigger.WEEKLY_SUMMARY}`.",
    "undo": "The API call that reverses the action, or null.",
    "warning_count": "How many warnings the report has.",
    "warnings": "Warnings of the report; absent if there are none.",
}
"""What each key of an event or a message means. A new key needs its meaning here."""
_MESSAGE_MEANINGS = _MEANINGS | {
    "report": "`location` and `sha256` of the report as JSON, and `link`, its address in the AWS console; `page` has"
    " the same for the HTML page, or is null.",
}
"""What each key of a message means."""
_FAILURE_MEANINGS = _MEANINGS | {
    "compliance": "`INSUFFICIENT_DATA`: the message says nothing about the backups.",
    "event": "`Backup Audit Failed`; when the failure is resolved, `Backup Audit Completed`.",
    "kind": "`failed`: the last request failed in all attempts. `overdue`: no complete audit for 30h.",
    "observed_at": "When the failure was noticed, in UTC.",
    "reason": "Why: the error of the audit, or the age of the last complete one.",
    "remediation": "What to do; empty when the failure is resolved.",
    "severity": f"`{FAILURE_SEVERITY}`.",
    "trigger": f"Why the message is sent: `{Trigger.CHANGE}` or `{Trigger.REMINDER}`.",
}
"""What each key of the event and the messages of a failure means."""
_DISCOVERY_MEANINGS = _MEANINGS | {
    "alerts": "Payment statuses and plans: `status` (`new`, `open` or `resolved`), `subject` (`payment` or `plan`),"
    " `value`, `text`, `severity` and `first_seen`.",
    "compliance": "`INSUFFICIENT_DATA`: the message says nothing about the backups.",
    "created_at": "When the project was created, or null.",
    "event": "`Backup Project Unregistered`, in every message about the organization.",
    "first_seen": "When a look first found the project unregistered.",
    "notice": "What the message says: `opened`, `reminder` or `resolved`.",
    "observed_at": "When the organization was read, in UTC.",
    "omitted": "How many projects do not fit into the message.",
    "organization_id": "The organization of the project, or null.",
    "project": "The name of the project at Pinecone, which is not unique.",
    "project_id": "Pinecone's id of the project.",
    "projects": "The projects: `status` (`new`, `open`, `registered`, `ignored` or `gone`), and the keys of the event.",
    "reason": "Why the project is unregistered.",
    "severity": "The worst of `critical` (payment), `high` (unregistered projects) and `medium` (plan).",
    "trigger": f"Why the message is sent: `{Trigger.CHANGE}` or `{Trigger.REMINDER}`.",
}
"""What each key of the event and the messages about the organization means."""
_DISCOVERY_MESSAGE_MEANINGS = _DISCOVERY_MEANINGS | {"project": f"`{FLEET}`, which is the name of no project."}
_DRILL_MEANINGS = _MEANINGS | {
    "actor": "Who ran the drill: the function and the id of the request.",
    "backup": "The backup that was restored: `id`, `captured_at` and `size_bytes`.",
    "deletion": "`confirmed`: the temporary index does not exist. `failed`: it may exist.",
    "document": "`location` and `sha256` of the stored document, which has every check with its figures.",
    "drill_id": "The drill.",
    "ended_at": "When the result was known.",
    "index": "The index that the backup is of: `name` and `id`.",
    "next_step": "What to do.",
    "plan_id": "The plan: project, policy and backups.",
    "reasons": "Why it did not pass, and why the temporary index may exist; empty if all is well.",
    "restore": "`completed`, `failed` or `unknown`.",
    "restore_seconds": "How long Pinecone took to restore the backup, or null.",
    "result": "`passed`, `failed`, `not_verified` or `unknown`.",
    "started_at": "When the drill was recorded.",
    "temporary_index": "The temporary index: its name, and its id, or null if it is unknown.",
    "validation": "`passed`, `failed`, `not_verified`, or `skipped` without a restored index.",
}
"""What each key of the event of a restore drill means."""
_TEST_MEANINGS = _MEANINGS | {
    "compliance": "`INSUFFICIENT_DATA`: the message says nothing about the backups.",
    "event": "`Backup Channel Test`.",
    "project": "The first project whose alerts the topic receives.",
    "projects": "The first five of these projects.",
    "severity": "`none`.",
    "stack": "The stack that sent the message.",
}
"""What each key of a test message means."""
_FLEET_MEANINGS = _MEANINGS | {
    "changed": "The projects whose compliance or open findings differ from those of the channel's last digest:"
    " `project`, `before` and `after`, each with `compliance` (null: not audited) and `open`, or null if it was not"
    " registered. Without an earlier digest, the projects that are not compliant.",
    "compliance": "The worst compliance; with a project that was not audited, never `COMPLIANT`.",
    "event": f"`{FLEET_EVENT}`.",
    "night": "When the night began, in UTC.",
    "not_audited": "The projects that were not audited: `name` and `reason`.",
    "previous_night": "The night of the channel's last digest, or null.",
    "project": f"`{FLEET}`, which is the name of no project.",
    "report": "`location` and `sha256` of the page as JSON, and `link`, its address in the AWS console; `page` has the"
    " same for the HTML page, or is null.",
    "revision": "The revision of the page: 1, or more after corrections.",
    "severity": "The worst severity of all open findings, or `none`.",
    "totals": "As in the page.",
    "trigger": f"`{Trigger.FLEET_DIGEST}`.",
    "unregistered": "With `OrganizationSecret`, the projects of the organization that are neither registered nor"
    " ignored; as in the page.",
    "warnings": "Sentences about the registry.",
}
"""What each key of a digest of the fleet means."""
_EXPIRES = "The last recovery point expires on 2026-11-05 06:00 UTC, in 3d (horizon: 7d), and the schedule is paused."
_FAILED = "The last two finished backups failed: nightly-20261102T030000Z, 2026-11-02 03:00 UTC."
_UNPROTECTED = "Deletion protection is disabled, and the policy requires it."


def describe_audit_events() -> str:
    """Return a section for each event of an audit: when it is sent, its keys, and a sample."""
    return "\n".join(_describe_event(it, _COMMON, _MEANINGS) for it in sample_events())


def describe_failure_event() -> str:
    """Return a section for the event of a failure: when it is sent, its keys, and a sample."""
    return _describe_event(sample_failure_event(), ("schema_version", "project"), _FAILURE_MEANINGS)


def describe_discovery_event() -> str:
    """Return a section for the event of an unregistered project: when it is sent, its keys, and a sample."""
    return _describe_event(sample_discovery_event(), ("schema_version",), _DISCOVERY_MEANINGS)


def describe_remediation_events() -> str:
    """Return a section for each event of a remediation: when it is sent, its keys, and a sample."""
    return "\n".join(_describe_event(it, (), _MEANINGS) for it in sample_remediation_events())


def describe_drill_events() -> str:
    """Return a section for each event of a restore drill: when it is sent, its keys, and a sample."""
    return "\n".join(
        _describe_event(it, ("schema_version", "project"), _DRILL_MEANINGS) for it in sample_drill_events()
    )


def list_common_keys() -> str:
    """Return the table of the keys that every event of an audit has."""
    return table(("key", "meaning"), ((f"`{key}`", _MEANINGS[key]) for key in _COMMON))


def list_message_keys() -> str:
    """Return the table of the keys of a message's JSON."""
    action = _sample_action()
    method, path, body = action.call.method, action.call.path, action.call.body
    proposal = Proposal("0" * 64, action.kind, action.index, Mode.PROPOSE, action.reason, method, path, body)
    _, document = _sample_message(replace(_report(), proposals=(proposal,), warnings=("A warning.",)))
    return table(("key", "meaning"), ((f"`{key}`", _MESSAGE_MEANINGS[key]) for key in document))


def list_failure_message_keys() -> str:
    """Return the table of the keys of the JSON of a message about a failure."""
    _, document = _split_publication(build_notice_publication(_sample_notice_message()))
    return table(("key", "meaning"), ((f"`{key}`", _FAILURE_MEANINGS[key]) for key in document))


def list_fleet_message_keys() -> str:
    """Return the table of the keys of the JSON of a digest of the fleet."""
    _, document = _sample_fleet_message()
    return table(("key", "meaning"), ((f"`{key}`", _FLEET_MEANINGS[key]) for key in document))


def show_fleet_message_sample() -> str:
    """Return a digest of the fleet as an e-mail subscription receives it."""
    email, _ = _sample_fleet_message()
    return email


def list_discovery_message_keys() -> str:
    """Return the table of the keys of the JSON of a message about the organization."""
    _, document = _split_publication(build_discovery_publication(_sample_discovery_message()))
    return table(("key", "meaning"), ((f"`{key}`", _DISCOVERY_MESSAGE_MEANINGS[key]) for key in document))


def show_discovery_message_sample() -> str:
    """Return a message about the organization as an e-mail subscription receives it."""
    email, _ = _split_publication(build_discovery_publication(_sample_discovery_message()))
    return email


def list_test_message_keys() -> str:
    """Return the table of the keys of the JSON of a test message."""
    _, document = _split_publication(build_test_publication("backup-auditor", ("search", "shop")))
    return table(("key", "meaning"), ((f"`{key}`", _TEST_MEANINGS[key]) for key in document))


def show_test_message_sample() -> str:
    """Return a test message as an e-mail subscription and as a queue receive it."""
    email, document = _split_publication(build_test_publication("backup-auditor", ("search", "shop")))
    return f"{email}\n{_block(document)}"


def show_failure_message_sample() -> str:
    """Return a message about a failure as an e-mail subscription receives it."""
    email, _ = _split_publication(build_notice_publication(_sample_notice_message()))
    return email


def show_message_sample() -> str:
    """Return a message as an e-mail subscription and as a queue receive it."""
    email, document = _sample_message(_report())
    return f"{email}\n{_block(document)}"


def sample_events() -> list[dict[str, object]]:
    """Return one event of each type of an audit, without the keys that AWS adds."""
    found = dict(build_audit_events(_report(), _KEPT))
    return [{"source": "backup-auditor", "detail-type": kind, "detail": detail} for kind, detail in found.items()]


def sample_failure_event() -> dict[str, object]:
    """Return the event of a failure, without the keys that AWS adds."""
    kind, detail = build_failure_event("search", _sample_notice_message().notice)
    return {"source": "backup-auditor", "detail-type": kind, "detail": detail}


def sample_discovery_event() -> dict[str, object]:
    """Return the event of an unregistered project, without the keys that AWS adds."""
    ((kind, detail),) = build_discovery_events(_sample_discovery_message().notice)
    return {"source": "backup-auditor", "detail-type": kind, "detail": detail}


def _sample_discovery_message() -> DiscoveryMessage:
    """Return the message about a project that a team created and did not register."""
    project = UnregisteredProject("5f0a9c3e-payments", "payments", _NOW, "-OAcme", _NOW - timedelta(hours=20))
    notice = DiscoveryNotice(NoticeKind.OPENED, _NOW, (project,))
    return DiscoveryMessage(create_discovery_messages(notice, (_TOPIC,))[-1], notice, is_possible_duplicate=False)


def sample_remediation_events() -> list[dict[str, object]]:
    """Return one event of each type of a remediation."""
    action = _sample_action()
    plan = RemediationPlan("search", "0" * 64, _NOW, Mode.PROPOSE, Mode.NEVER, (action,), (), 21, 36, 500, "id-search")
    record = ActionRecord(
        "search",
        action.key,
        1,
        plan.plan_id,
        "arn:aws:lambda:eu-central-1:111122223333:function:backup-auditor-remediate",
        _NOW,
        str(action.call),
        {},
        ActionState.DONE,
        target_id="id-schedule",
        after={"enabled": True, **action.call.body},
        ended_at=_NOW,
    )
    found = [*build_proposal_events(plan), build_creation_event(plan, action, record)]
    return [{"source": "backup-auditor", "detail-type": kind, "detail": detail} for kind, detail in found]


def sample_drill_events() -> list[dict[str, object]]:
    """Return one event of each type of a restore drill."""
    records = (_sample_drill(is_complete=it) for it in (True, False))
    found = [build_drill_event(it) for it in records]
    return [{"source": "backup-auditor", "detail-type": kind, "detail": detail} for kind, detail in found]


def _sample_drill(*, is_complete: bool) -> DrillRecord:
    """Return a drill that ended, and that lost a record if it is not complete."""
    expected = ExpectedContent(record_count=1_200_000, namespace_count=2)
    found = FoundContent({"a": 1_000_000, "b": 200_000 if is_complete else 199_999})
    sample = FoundSample((SampledRecord("a", "r-1", FetchedRecord([0.5, 0.25])),))
    verification = build_verification(expected, found, sample)
    restored_at = _NOW + timedelta(minutes=14)
    return DrillRecord(
        drill_id="b4d1f0c29e7a3586",
        project="search",
        number=7,
        index_name="orders",
        index_id="id-orders",
        point=RestorePoint("id-backup", _NOW - timedelta(hours=3), 7_340_032_000, expected),
        target_name="drill-orders-1a2b3c4d",
        plan_id="0f6c2b7be1d5a384",
        actor="backup-auditor-drill 2026-11-02T06:00:00Z/search",
        max_duration=timedelta(hours=6),
        sample_size=100,
        chosen_at=_NOW,
        restore=RestoreState.COMPLETED,
        validation=VALIDATION_STATES[verification.state],
        deletion=DeletionState.CONFIRMED,
        requested_at=_NOW,
        restored_at=restored_at,
        verified_at=restored_at,
        verification=verification,
        evidence=StoredFile("s3://evidence-of-backups/search/drills/b4d1f0c29e7a3586/9.json", "5e" * 32),
    )


def _sample_action() -> CreateSchedule:
    return CreateSchedule("orders", "auditor", Frequency.DAILY, timedelta(days=14), 15, "It has no backup schedule.")


def _describe_event(event: Mapping[str, Any], left_out: Iterable[str], meanings: Mapping[str, str]) -> str:
    kind = event["detail-type"]
    rows = ((f"`{key}`", meanings[key]) for key in event["detail"] if key not in left_out)
    return f"### {kind}\n\n{_SENT[kind]}\n\n{table(('key', 'meaning'), rows)}\n{_block(event)}"


def _sample_message(report: Report) -> tuple[str, dict[str, object]]:
    """Return the text of an e-mail and the JSON document for a queue."""
    [message] = create_messages(report, _KEPT, (_TOPIC,), _NOW - timedelta(days=1))
    link_to = partial(build_report_link, region="eu-central-1")
    return _split_publication(build_publication(create_digest(report, message, _TOPIC, build_link=link_to)))


def _sample_notice_message() -> NoticeMessage:
    failed_at = _NOW - timedelta(minutes=10)
    reason = "Pinecone rejected the key (401); store a key of the project in secret backup-auditor/keys/search"
    project = WatchedProject(LastAudits(None, None), failed_audit=FailedAudit(failed_at, reason))
    failure = find_failure("search", project, _NOW)
    notice = find_notice(failure, None, _NOW - timedelta(days=1, hours=2), _NOW)
    if notice is None:
        raise ValueError("the sample project does not fail")
    [message] = create_notice_messages("search", notice, (_TOPIC,))
    return NoticeMessage(message, notice, is_possible_duplicate=False)


def _sample_fleet_message() -> tuple[str, dict[str, object]]:
    """Return the text of an e-mail and the JSON document for a queue."""
    coverage = Coverage(indexes=3, protected_indexes=3, recovery_points=20)
    row = replace(summarize_project(_report()), coverage=coverage, coverage_percent=100.0, is_coverage_known=True)
    support = replace(
        row, name="support", compliance=Compliance.COMPLIANT, open_counts=dict.fromkeys(row.open_counts, 0)
    )
    unaudited = UnauditedProject("shop", "Pinecone rejected the key (401); fix the cause, or wait for the next night")
    payments = UnregisteredProject("0a9f5a3e-63a5-4c5e-9c3a-2f6f1f7b8f10", "payments", _NOW - timedelta(days=1))
    unregistered = UnregisteredProjects((payments,), _NOW - timedelta(hours=1), is_current=True)
    current = FleetDocument(_NOW - timedelta(minutes=45), 1, build_fleet([row, support], [unaudited], (), unregistered))
    shop, search = replace(support, name="shop"), replace(support, name="search")
    previous = FleetDocument(current.night - timedelta(days=1), 1, build_fleet([search, support, shop], []))
    folder = "s3://evidence-of-backups/.fleet/2026-11-02/051500Z"
    document = StoredReport(f"{folder}/fleet.1.json", "5f" * 32, StoredFile(f"{folder}/fleet.1.html", "7c" * 32))
    page = FleetPage(current.night, 1, "0" * 64, document)
    [message] = create_digest_messages(page, [FleetChannel(_TOPIC)], {}, _NOW)
    link_to = partial(build_report_link, region="eu-central-1")
    comparison = FleetComparison(page, None)
    digest = FleetDigest(message, comparison, current, previous, link_to, is_possible_duplicate=False)
    return _split_publication(build_fleet_publication(digest))


def _split_publication(publication: Publication) -> tuple[str, dict[str, object]]:
    """Return the text of an e-mail and the JSON document for a queue."""
    parts = json.loads(publication.message)
    return f"```text\nSubject: {publication.subject}\n\n{parts['email'].rstrip()}\n```\n", json.loads(parts["sqs"])


def _block(document: Mapping[str, object]) -> str:
    return f"```json\n{json.dumps(document, indent=2, ensure_ascii=False)}\n```\n"


def _report() -> Report:
    findings = (
        _finding("recovery-points-outlast-horizon", "orders", "new", 0, _EXPIRES),
        replace(_finding("latest-run-succeeded", "carts", "reopened", 12, _FAILED), severity=Severity.CRITICAL),
        _finding("deletion-protection-is-enabled", "carts", "ongoing", 7, _UNPROTECTED),
    )
    ended = Resource(ResourceType.INDEX, "search", "users", "id-users")
    resolved = ResolvedFinding(
        fingerprint=compute_fingerprint("index-has-recovery-point", ended),
        control="index-has-recovery-point",
        resource=ended,
        severity=Severity.CRITICAL,
        first_seen=_NOW - timedelta(days=3),
        resolved_at=_NOW,
        reason="found compliant: The index has 1 recovery point.",
    )
    return Report(
        audit_id=_AUDIT_ID,
        observed_at=_NOW,
        compliance=Compliance.NON_COMPLIANT,
        project="search",
        project_id="id-search",
        policy_source="ssm:/backup-auditor/policies/search",
        policy_sha256="0" * 64,
        inventory=InventoryCounts(indexes=3, backups=21, recovery_points=20, schedules=3, runs=42, requests=9),
        summary=Summary(
            findings=dict.fromkeys(Compliance, 0) | {Compliance.COMPLIANT: 108, Compliance.NON_COMPLIANT: 3},
            open={it: sum(found.severity is it for found in findings) for it in reversed(Severity)},
            exempted=0,
            coverage_percent=100.0,
        ),
        findings=findings,
        resolved_findings=(resolved,),
        drift=(),
        read_failures=(),
    )


def _finding(control_id: str, name: str, lifecycle: str, days: int, reason: str) -> Finding:
    [control] = [it for it in CATALOG.all_controls if it.id == control_id]
    resource = Resource(ResourceType.INDEX, "search", name, f"id-{name}")
    return Finding(
        control=control_id,
        resource=resource,
        compliance=Compliance.NON_COMPLIANT,
        severity=control.severity,
        reason=reason,
        evidence={},
        remediation=control.remediation.replace("{name}", name),
        fingerprint=compute_fingerprint(control_id, resource),
        lifecycle=lifecycle,
        first_seen=_NOW - timedelta(days=days),
    )

"""Test the step from the state before an audit to the state after it."""

from dataclasses import replace

import pytest

from backup_auditor.domain.finding import Compliance, Resource, ResourceType
from backup_auditor.domain.lifecycle.advance import find_unconfirmed_listings
from backup_auditor.domain.lifecycle.snapshots import find_drift
from backup_auditor.domain.lifecycle.state_change import Changes, diff_states
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.project_state import Drift, FindingState, KnownFinding, ProjectState
from support.builders.audit_sequence import COMPLIANT, INCOMPLETE_INVENTORY, AuditSequence, build_verdict
from support.builders.facts import (
    DAY,
    NOW,
    build_backup,
    build_complete_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_schedule,
    build_state,
)
from support.builders.plans import FULL_EXEMPTION
from support.builders.reports import BUILT_IN_POLICY


def build_deleted_resource(index_id: str) -> Resource:
    """Build the resource of a deleted index `old`."""
    return Resource(ResourceType.DELETED_INDEX, "default", "old", index_id)


def test_an_older_audit_changes_nothing() -> None:
    """An audit that is older than the recorded one keeps its id, and a note for the log says why."""
    audits = AuditSequence()
    audits.audit_with_findings(build_verdict(), observed_at=NOW, audit_id="new")
    state_before = audits.state
    result = audits.audit_with_findings(build_verdict(), observed_at=NOW - DAY, audit_id="old")
    assert result.audit_id == "old"
    assert result.state is state_before
    assert result.note == (
        "an audit of 2026-11-22T12:00:00Z is already recorded; the older audit of 2026-11-21T12:00:00Z changes nothing"
    )


def test_an_incomplete_audit_reports_no_drift() -> None:
    """The drift of the last complete audit is not reported again by an incomplete one."""
    audits = AuditSequence()
    audits.audit(build_inventory(build_index("orders")))
    assert audits.audit(build_inventory(build_index("orders"), build_index("carts"))).drift != ()
    assert audits.audit(INCOMPLETE_INVENTORY).drift == ()


def test_a_changed_policy_is_drift_of_the_project() -> None:
    """The drift of a policy has the name and the id of the project."""
    audits = AuditSequence()
    audits.audit(build_inventory(build_index("orders")))
    policy = replace(BUILT_IN_POLICY, sha256="1" * 64)
    assert audits.audit(build_inventory(build_index("orders")), policy).drift == (
        Drift(
            "policy changed",
            Resource(ResourceType.PROJECT, "default", "default", "project-1"),
            BUILT_IN_POLICY.sha256,
            "1" * 64,
        ),
    )


def test_an_evaluated_finding_is_not_gone() -> None:
    """A finding stays open while it is evaluated, although its index is not listed."""
    audits = AuditSequence()
    audits.audit_with_findings(build_verdict(name="unlisted"))
    result = audits.audit_with_findings(build_verdict(name="unlisted"))
    assert audits.only_finding.state is FindingState.OPEN
    assert result.resolved_findings == ()
    gone_result = audits.audit_with_findings()
    assert [it.reason for it in gone_result.resolved_findings] == ["the index is gone"]


def test_resolved_findings_of_one_name_are_sorted_by_their_ids() -> None:
    """Deleted indexes of one name are reported in the order of their ids."""
    audits = AuditSequence()
    findings = [build_verdict(resource=build_deleted_resource(it)) for it in ("id-2", "id-1")]
    audits.audit_with_findings(*findings)
    result = audits.audit_with_findings(*(replace(it, compliance=COMPLIANT) for it in findings))
    assert [it.resource.id for it in result.resolved_findings] == ["id-1", "id-2"]


def test_a_resolved_finding_without_a_finding_is_no_longer_evaluated() -> None:
    """A repeated audit with fewer controls reports what the first one resolved, without the verdict."""
    audits = AuditSequence()
    audits.audit_with_findings(build_verdict())
    resolving_verdict = replace(build_verdict(), compliance=COMPLIANT, reason="It has one.")
    result = audits.audit_with_findings(resolving_verdict, audit_id="two", observed_at=NOW + DAY)
    assert [it.reason for it in result.resolved_findings] == ["found compliant: It has one."]
    repeated_result = audits.audit_with_findings(audit_id="two", observed_at=NOW + DAY)
    assert [it.reason for it in repeated_result.resolved_findings] == ["no longer evaluated"]


@pytest.mark.parametrize("is_exempted", [pytest.param(False, id="open"), pytest.param(True, id="exempted")])
def test_a_new_finding_is_stored_with_the_audit_that_found_it(is_exempted: bool) -> None:
    """A new finding has the time and the id of its audit; an exempted one was never opened."""
    finding = build_verdict(exemption=FULL_EXEMPTION if is_exempted else None)
    audits = AuditSequence()
    audits.audit_with_findings(finding, audit_id="one")
    assert audits.only_finding == KnownFinding(
        fingerprint=finding.fingerprint,
        control=finding.control,
        resource=finding.resource,
        severity=finding.severity,
        state=FindingState.EXEMPTED if is_exempted else FindingState.OPEN,
        first_seen=NOW,
        times_opened=0 if is_exempted else 1,
        changed_at=NOW,
        changed_by="one",
    )


def test_an_open_finding_can_be_exempted() -> None:
    """The exemption of an open finding changes its state alone."""
    audits = AuditSequence()
    audits.audit_with_findings(build_verdict())
    open_finding = audits.only_finding
    audits.audit_with_findings(build_verdict(exemption=FULL_EXEMPTION))
    assert audits.only_finding == replace(open_finding, state=FindingState.EXEMPTED)


@pytest.mark.parametrize(
    "compliance, has_first_seen",
    [
        pytest.param(Compliance.NON_COMPLIANT, True, id="non-compliant"),
        pytest.param(Compliance.INSUFFICIENT_DATA, False, id="unknown"),
    ],
)
def test_an_exempted_finding_has_no_lifecycle(compliance: Compliance, has_first_seen: bool) -> None:
    """An exempted finding has the time when it was first seen only while it is non-compliant."""
    audits = AuditSequence()
    audits.audit_with_findings(build_verdict())
    (finding,) = audits.audit_with_findings(build_verdict(compliance, exemption=FULL_EXEMPTION)).findings
    assert (finding.lifecycle, finding.first_seen) == (None, NOW if has_first_seen else None)


@pytest.mark.parametrize(
    "own_ids, is_unconfirmed",
    [pytest.param((), True, id="not-listed"), pytest.param(("id-old",), False, id="in-the-list-of-its-index")],
)
def test_a_deleted_index_without_a_backup_needs_a_second_read(own_ids: tuple[str, ...], is_unconfirmed: bool) -> None:
    """The backups are read again if no backup of a deleted index is listed, neither in the list of an index."""
    audits = AuditSequence()
    audits.audit_with_findings(build_verdict(resource=build_deleted_resource("id-old")))
    own_backups = build_complete_listing([build_backup(DAY, backup_id=it, index_id=it) for it in own_ids])
    inventory = build_inventory(build_index(own_backups=own_backups), reads=1)
    expected = {BACKUP_LISTING} if is_unconfirmed else set[ListingId]()
    assert find_unconfirmed_listings(audits.state, inventory) == expected


def advance_over(*schedules: Schedule) -> ProjectState:
    """Return the state after an audit that read these schedules of one index."""
    audits = AuditSequence()
    audits.audit(build_inventory(build_index("orders", schedules=schedules, runs=())))
    return audits.state


def test_drift_of_several_schedules_is_sorted_by_their_settings() -> None:
    """Deleted and created schedules of one index are sorted by their settings, not by chance."""
    names = ("c", "a", "d", "b", "e")
    full_state = advance_over(*(build_schedule(f"id-{it}", name=it, retention=None) for it in names))
    empty_state = advance_over()
    project = Resource(ResourceType.PROJECT, "default", "default", None)
    deleted, created = (
        [it for it in find_drift(before, after, project) if it.change.startswith("schedule")]
        for before, after in ((full_state, empty_state), (empty_state, full_state))
    )
    expected = [
        {"schedule": it, "schedule_id": f"id-{it}", "enabled": True, "frequency": "daily", "retention_days": None}
        for it in sorted(names)
    ]
    assert [(it.change, it.before, it.after) for it in deleted] == [("schedule deleted", it, None) for it in expected]
    assert [(it.change, it.before, it.after) for it in created] == [("schedule created", None, it) for it in expected]


def test_a_change_for_a_store_has_the_earlier_values() -> None:
    """A store receives what to write, what to delete, and the earlier values of both."""
    kept, changed, deleted, new = (build_known_backup(build_backup(DAY, backup_id=it)) for it in "kcdn")
    changed_later = replace(changed, missed_at=NOW)
    change = diff_states(build_state(kept, changed, deleted), build_state(kept, changed_later, new, revision=2))
    assert change is not None
    assert change.backups == Changes((changed_later, new), ("d",), (changed, deleted))
    assert (change.expected_revision, change.revision) == (1, 2)


def test_an_unchanged_revision_is_no_change_for_a_store() -> None:
    """A state with the same revision is not recorded again."""
    assert diff_states(build_state(), build_state()) is None

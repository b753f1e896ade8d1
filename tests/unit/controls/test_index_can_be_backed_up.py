"""Control `index-can-be-backed-up`, and what it means for the other controls of the index."""

from dataclasses import replace

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import DocumentIndexes, Policy
from backup_auditor.domain.project_state import KnownIndex
from support.builders.facts import (
    BROKEN,
    DAY,
    SECOND,
    IndexCase,
    ago,
    backup,
    broken,
    compliance,
    finding,
    index,
    inventory,
    judged,
    known,
    policy,
    remembering,
    schedule,
    verdicts,
    whole,
)

ID = "index-can-be-backed-up"
KEY = "arn:aws:kms:us-east-1:1:key/mrk-1"
POD = index(schedules=None, deployment=Deployment.POD)
UNSUPPORTED = index(schedules=Denial(DenialReason.UNSUPPORTED, "400: Not for this index."))
NO_PLAN = index(schedules=Denial(DenialReason.PLAN, "403: your plan has none"))
ENCRYPTED = index(schedules=(), cmek_id=KEY)
OTHERS = {it.id for it in CATALOG.index_controls} - {ID}
STRICT = policy(deletion_protection=True, required_tags=("owner",), min_copies=1)


@pytest.mark.parametrize(
    "case, obstacle",
    [
        pytest.param(POD, "pod", id="pod"),
        pytest.param(UNSUPPORTED, "refused", id="400"),
        pytest.param(ENCRYPTED, "customer_key", id="customer-key"),
        pytest.param(index(schedules=None, deployment=Deployment.POD, cmek_id=KEY), "pod", id="encrypted-pod"),
    ],
)
def test_an_index_without_backups_fails_where_a_schedule_is_required(case: IndexCase, obstacle: str) -> None:
    """The finding names the obstacle, and is not applicable where the policy requires no schedule."""
    found = finding(ID, case)
    assert (found.compliance, found.severity) == (Compliance.NON_COMPLIANT, "medium")
    assert found.evidence["obstacle"] == obstacle
    assert compliance(ID, case, required=False) is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize("case", [POD, UNSUPPORTED, ENCRYPTED], ids=["pod", "400", "customer-key"])
@pytest.mark.parametrize("required", [policy(), policy(required=False), STRICT], ids=["usual", "optional", "strict"])
def test_every_other_control_is_not_applicable_without_backups(case: IndexCase, required: Policy) -> None:
    """An index that cannot be backed up has no other finding and does not count for coverage."""
    found = verdicts(case, required)
    assert {found[it, "main"] for it in OTHERS} == {Compliance.NOT_APPLICABLE}
    assert judged(case, required).coverage.indexes == 0


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(index(), id="schedule"),
        pytest.param(index(schedules=()), id="nothing-listed"),
        pytest.param(index(schedules=broken(), listed=()), id="unread"),
        pytest.param(NO_PLAN, id="plan"),
    ],
)
def test_an_index_without_an_obstacle_does_not_fail(case: IndexCase) -> None:
    """An ordinary index fails no control for what the service can do."""
    assert compliance(ID, case) is not Compliance.NON_COMPLIANT


def test_it_is_unknown_where_nothing_was_read() -> None:
    """An index whose schedules are unread is not known to be backed up, unless a backup of it is listed."""
    case = index(schedules=broken())
    assert compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    case = index(schedules=broken(), listed=[backup()], own=whole([backup()]))
    assert compliance(ID, case) is Compliance.COMPLIANT


def test_a_plan_without_schedules_leaves_nothing_to_judge() -> None:
    """A plan refuses the calls of every index, which `plan-allows-schedules` reports."""
    assert compliance(ID, NO_PLAN) is Compliance.NOT_APPLICABLE
    assert verdicts(NO_PLAN)["plan-allows-schedules", "default"] is Compliance.NON_COMPLIANT


def test_a_document_index_that_the_policy_excludes_is_not_applicable_throughout() -> None:
    """The exclusion is the owner's decision, so that not even this control is judged."""
    required = policy()
    required = replace(required, project=replace(required.project, document_indexes=DocumentIndexes.EXCLUDED))
    pod = index(schedules=None, deployment=Deployment.POD, holds_documents=True)
    for case in (index(holds_documents=True), pod):
        found = verdicts(case, required)
        assert {found[it.id, "main"] for it in CATALOG.index_controls} == {Compliance.NOT_APPLICABLE}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(index(cmek_id=KEY), id="schedule-and-backups"),
        pytest.param(index(cmek_id=KEY, runs=[]), id="schedule-alone"),
        pytest.param(index(cmek_id=KEY, schedules=(), listed=[backup()], own=whole([backup()])), id="backup-alone"),
        pytest.param(index(cmek_id=KEY, schedules=broken([schedule()])), id="unread-after-one"),
    ],
)
def test_an_encrypted_index_with_a_schedule_or_a_backup_is_an_ordinary_index(case: IndexCase) -> None:
    """A listed schedule or backup shows that the service backs the index up."""
    assert compliance(ID, case) is Compliance.COMPLIANT
    assert judged(case).coverage.indexes == 1
    plain = replace(case, facts=replace(case.facts, index=replace(case.facts.index, cmek_id=None)))
    assert verdicts(case) == verdicts(plain)


@pytest.mark.parametrize(
    "case, listing",
    [
        pytest.param(index(schedules=broken(), cmek_id=KEY), None, id="schedules-unread"),
        pytest.param(ENCRYPTED, broken(), id="backups-unread"),
        pytest.param(index(schedules=(), cmek_id=KEY, listed=[backup()], own=broken()), None, id="own-backups-unread"),
        pytest.param(index(schedules=(), cmek_id=KEY, listed=[backup()]), None, id="own-backups-not-asked-for"),
    ],
)
def test_an_encrypted_index_of_which_something_is_unread_is_unknown(case: IndexCase, listing: object) -> None:
    """Not knowing whether a backup is listed makes no control not applicable that would else be judged."""
    told = inventory(case) if listing is None else inventory(case, backups=broken())
    plain = replace(case, facts=replace(case.facts, index=replace(case.facts.index, cmek_id=None)))
    ordinary = verdicts(inventory(plain) if listing is None else inventory(plain, backups=broken()))
    found = verdicts(told)
    assert found[ID, "main"] is Compliance.INSUFFICIENT_DATA
    for control in OTHERS:
        is_judged = ordinary[control, "main"] is not Compliance.NOT_APPLICABLE
        expected = Compliance.INSUFFICIENT_DATA if is_judged else Compliance.NOT_APPLICABLE
        assert found[control, "main"] is expected


@pytest.mark.parametrize("required", [policy(), policy(required=False)], ids=["required", "optional"])
def test_that_an_encrypted_index_has_no_backup_needs_a_second_read(required: Policy) -> None:
    """One read of the listings leaves every control unknown and asks for another read."""
    judgement = judged(inventory(index(schedules=(), cmek_id=KEY, walks=1), walks=1), required)
    schedules = ListingId(ListingKind.SCHEDULES, "main")
    assert {BACKUP_LISTING, schedules} <= judgement.unconfirmed_listings
    others = {it.compliance for it in judgement.findings if it.resource.name == "main" and it.control in OTHERS}
    assert others == {Compliance.INSUFFICIENT_DATA}


def test_backups_of_an_earlier_index_do_not_make_an_encrypted_index_ordinary() -> None:
    """The backups under its name belong to a deleted index where its own listing is empty or a mark says so."""
    marked = backup(index_id="id-old", index_deleted_at=ago(DAY))
    for case in (
        index(schedules=(), cmek_id=KEY, listed=[marked]),
        index(schedules=(), cmek_id=KEY, listed=[backup(index_id="id-old")], own=whole([])),
    ):
        assert finding(ID, case).compliance is Compliance.NON_COMPLIANT


def test_an_encrypted_index_whose_backups_an_earlier_audit_saw_is_judged() -> None:
    """A remembered backup that should still exist shows that the service backs the index up."""
    indexes = {"main": KnownIndex("main", "id-main", ago(DAY), None)}
    memory = remembering(known(backup(2 * DAY)), indexes=indexes)
    found = {it.control: it.compliance for it in judged(ENCRYPTED, memory=memory).findings}
    assert found["backup-did-not-vanish"] is Compliance.NON_COMPLIANT
    expired = remembering(known(backup(2 * DAY), expires_at=ago(SECOND)), indexes=indexes)
    found = {it.control: it.compliance for it in judged(ENCRYPTED, memory=expired).findings}
    assert found["backup-did-not-vanish"] is Compliance.NOT_APPLICABLE


def test_an_unread_list_of_indexes_is_no_finding() -> None:
    """Without any known index there is no finding of this control."""
    assert all(it.control != ID for it in judged(inventory(indexes_failure=BROKEN)).findings)

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
    DAY,
    READ_FAILURE,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_schedule,
    build_state,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
    evaluate_verdicts,
)

ID = "index-can-be-backed-up"
KEY_ARN = "arn:aws:kms:us-east-1:1:key/mrk-1"
POD_INDEX = build_index(schedules=None, deployment=Deployment.POD)
UNSUPPORTED_INDEX = build_index(schedules=Denial(DenialReason.UNSUPPORTED, "400: Not for this index."))
INDEX_WITHOUT_PLAN = build_index(schedules=Denial(DenialReason.PLAN, "403: your plan has none"))
ENCRYPTED_INDEX = build_index(schedules=(), cmek_id=KEY_ARN)
OTHER_CONTROLS = {it.id for it in CATALOG.index_controls} - {ID}
STRICT_POLICY = build_policy(deletion_protection=True, required_tags=("owner",), min_copies=1)


@pytest.mark.parametrize(
    "case, obstacle",
    [
        pytest.param(POD_INDEX, "pod", id="pod"),
        pytest.param(UNSUPPORTED_INDEX, "refused", id="400"),
        pytest.param(ENCRYPTED_INDEX, "customer_key", id="customer-key"),
        pytest.param(
            build_index(schedules=None, deployment=Deployment.POD, cmek_id=KEY_ARN), "pod", id="encrypted-pod"
        ),
    ],
)
def test_an_index_without_backups_fails_where_a_schedule_is_required(case: IndexCase, obstacle: str) -> None:
    """The finding names the obstacle, and is not applicable where the policy requires no schedule."""
    finding = evaluate_control(ID, case)
    assert (finding.compliance, finding.severity) == (Compliance.NON_COMPLIANT, "medium")
    assert finding.evidence["obstacle"] == obstacle
    assert evaluate_compliance(ID, case, required=False) is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize("case", [POD_INDEX, UNSUPPORTED_INDEX, ENCRYPTED_INDEX], ids=["pod", "400", "customer-key"])
@pytest.mark.parametrize(
    "policy", [build_policy(), build_policy(required=False), STRICT_POLICY], ids=["usual", "optional", "strict"]
)
def test_every_other_control_is_not_applicable_without_backups(case: IndexCase, policy: Policy) -> None:
    """An index that cannot be backed up has no other finding and does not count for coverage."""
    found_verdicts = evaluate_verdicts(case, policy)
    assert {found_verdicts[it, "main"] for it in OTHER_CONTROLS} == {Compliance.NOT_APPLICABLE}
    assert evaluate_facts(case, policy).coverage.indexes == 0


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(build_index(), id="schedule"),
        pytest.param(build_index(schedules=()), id="nothing-listed"),
        pytest.param(build_index(schedules=build_failed_listing(), listed_backups=()), id="unread"),
        pytest.param(INDEX_WITHOUT_PLAN, id="plan"),
    ],
)
def test_an_index_without_an_obstacle_does_not_fail(case: IndexCase) -> None:
    """An ordinary index fails no control for what the service can do."""
    assert evaluate_compliance(ID, case) is not Compliance.NON_COMPLIANT


def test_it_is_unknown_where_nothing_was_read() -> None:
    """Without its schedules, an index is not known to support backups unless a backup of it is listed."""
    case = build_index(schedules=build_failed_listing())
    assert evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    case = build_index(
        schedules=build_failed_listing(),
        listed_backups=[build_backup()],
        own_backups=build_complete_listing([build_backup()]),
    )
    assert evaluate_compliance(ID, case) is Compliance.COMPLIANT


def test_a_plan_without_schedules_leaves_nothing_to_evaluate() -> None:
    """A plan refuses the calls of every index, which `plan-allows-schedules` reports."""
    assert evaluate_compliance(ID, INDEX_WITHOUT_PLAN) is Compliance.NOT_APPLICABLE
    assert evaluate_verdicts(INDEX_WITHOUT_PLAN)["plan-allows-schedules", "default"] is Compliance.NON_COMPLIANT


def test_a_document_index_that_the_policy_excludes_is_not_applicable_throughout() -> None:
    """The exclusion is a decision of the owner, so even this control is not applicable."""
    policy = build_policy()
    policy = replace(policy, project=replace(policy.project, document_indexes=DocumentIndexes.EXCLUDED))
    pod = build_index(schedules=None, deployment=Deployment.POD, holds_documents=True)
    for case in (build_index(holds_documents=True), pod):
        found_verdicts = evaluate_verdicts(case, policy)
        assert {found_verdicts[it.id, "main"] for it in CATALOG.index_controls} == {Compliance.NOT_APPLICABLE}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(build_index(cmek_id=KEY_ARN), id="schedule-and-backups"),
        pytest.param(build_index(cmek_id=KEY_ARN, runs=[]), id="schedule-alone"),
        pytest.param(
            build_index(
                cmek_id=KEY_ARN,
                schedules=(),
                listed_backups=[build_backup()],
                own_backups=build_complete_listing([build_backup()]),
            ),
            id="backup-alone",
        ),
        pytest.param(
            build_index(cmek_id=KEY_ARN, schedules=build_failed_listing([build_schedule()])), id="unread-after-one"
        ),
    ],
)
def test_an_encrypted_index_with_a_schedule_or_a_backup_is_an_ordinary_index(case: IndexCase) -> None:
    """A listed schedule or backup shows that the service backs the index up."""
    assert evaluate_compliance(ID, case) is Compliance.COMPLIANT
    assert evaluate_facts(case).coverage.indexes == 1
    plain_case = replace(case, facts=replace(case.facts, index=replace(case.facts.index, cmek_id=None)))
    assert evaluate_verdicts(case) == evaluate_verdicts(plain_case)


@pytest.mark.parametrize(
    "case, listing",
    [
        pytest.param(build_index(schedules=build_failed_listing(), cmek_id=KEY_ARN), None, id="schedules-unread"),
        pytest.param(ENCRYPTED_INDEX, build_failed_listing(), id="backups-unread"),
        pytest.param(
            build_index(
                schedules=(), cmek_id=KEY_ARN, listed_backups=[build_backup()], own_backups=build_failed_listing()
            ),
            None,
            id="own-backups-unread",
        ),
        pytest.param(
            build_index(schedules=(), cmek_id=KEY_ARN, listed_backups=[build_backup()]),
            None,
            id="own-backups-not-asked-for",
        ),
    ],
)
def test_an_encrypted_index_of_which_something_is_unread_is_unknown(case: IndexCase, listing: object) -> None:
    """An unknown backup does not make other controls not applicable."""
    inventory = build_inventory(case) if listing is None else build_inventory(case, backups=build_failed_listing())
    plain_case = replace(case, facts=replace(case.facts, index=replace(case.facts.index, cmek_id=None)))
    plain_verdicts = evaluate_verdicts(
        build_inventory(plain_case) if listing is None else build_inventory(plain_case, backups=build_failed_listing())
    )
    found_verdicts = evaluate_verdicts(inventory)
    assert found_verdicts[ID, "main"] is Compliance.INSUFFICIENT_DATA
    for control in OTHER_CONTROLS:
        is_applicable = plain_verdicts[control, "main"] is not Compliance.NOT_APPLICABLE
        expected = Compliance.INSUFFICIENT_DATA if is_applicable else Compliance.NOT_APPLICABLE
        assert found_verdicts[control, "main"] is expected


@pytest.mark.parametrize("policy", [build_policy(), build_policy(required=False)], ids=["required", "optional"])
def test_that_an_encrypted_index_has_no_backup_needs_a_second_read(policy: Policy) -> None:
    """One read of the listings leaves every control unknown and asks for another read."""
    evaluation = evaluate_facts(build_inventory(build_index(schedules=(), cmek_id=KEY_ARN, reads=1), reads=1), policy)
    schedules = ListingId(ListingKind.SCHEDULES, "main")
    assert {BACKUP_LISTING, schedules} <= evaluation.unconfirmed_listings
    other_verdicts = {
        it.compliance for it in evaluation.findings if it.resource.name == "main" and it.control in OTHER_CONTROLS
    }
    assert other_verdicts == {Compliance.INSUFFICIENT_DATA}


def test_backups_of_an_earlier_index_do_not_make_an_encrypted_index_ordinary() -> None:
    """The backups under its name belong to a deleted index where its own listing is empty or a mark says so."""
    marked_backup = build_backup(index_id="id-old", index_deleted_at=ago(DAY))
    for case in (
        build_index(schedules=(), cmek_id=KEY_ARN, listed_backups=[marked_backup]),
        build_index(
            schedules=(),
            cmek_id=KEY_ARN,
            listed_backups=[build_backup(index_id="id-old")],
            own_backups=build_complete_listing([]),
        ),
    ):
        assert evaluate_control(ID, case).compliance is Compliance.NON_COMPLIANT


def test_an_encrypted_index_whose_backups_an_earlier_audit_saw_is_evaluated() -> None:
    """A recorded backup that should still exist shows that the service can back up the index."""
    indexes = {"main": KnownIndex("main", "id-main", ago(DAY), None)}
    state = build_state(build_known_backup(build_backup(2 * DAY)), indexes=indexes)
    found_verdicts = {it.control: it.compliance for it in evaluate_facts(ENCRYPTED_INDEX, state=state).findings}
    assert found_verdicts["backup-did-not-vanish"] is Compliance.NON_COMPLIANT
    expired_state = build_state(build_known_backup(build_backup(2 * DAY), expires_at=ago(SECOND)), indexes=indexes)
    found_verdicts = {it.control: it.compliance for it in evaluate_facts(ENCRYPTED_INDEX, state=expired_state).findings}
    assert found_verdicts["backup-did-not-vanish"] is Compliance.NOT_APPLICABLE


def test_an_unread_list_of_indexes_is_no_finding() -> None:
    """Without any known index there is no finding of this control."""
    assert all(it.control != ID for it in evaluate_facts(build_inventory(indexes_failure=READ_FAILURE)).findings)

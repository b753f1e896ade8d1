"""Every control on every resource gives exactly one finding."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, evaluate_controls
from backup_auditor.domain.evaluation.results import Evaluation
from backup_auditor.domain.finding import Compliance, Exemption, InsufficientDataError, ResourceType, Verdict
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import DocumentIndexes, Policy, ProjectRequirement, Requirements, Rule
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    build_run,
    evaluate_facts,
    evaluate_verdicts,
    rename_index,
)

INDEX_IDS = {it.id for it in CATALOG.index_controls}
PLAN_DENIAL = Denial(DenialReason.PLAN, "no such plan")
UNSUPPORTED_DENIAL = Denial(DenialReason.UNSUPPORTED, "not for this index")
NEGLECTED_INDEX = build_index(schedules=())


def make_single_catalog(control: str, **changes: Any) -> ControlCatalog:
    """Return a catalog of one index control, with these changes."""
    (selected_control,) = (it for it in CATALOG.index_controls if it.id == control)
    return ControlCatalog(project_controls=(), index_controls=(replace(selected_control, **changes),))


def evaluate_with_exemption(exemption: Exemption, case: IndexCase = NEGLECTED_INDEX) -> Evaluation:
    """Evaluate a neglected index under an exemption."""
    return evaluate_facts(case, replace(build_policy(), exemptions=(exemption,)))


def test_every_control_gives_one_finding_on_every_resource() -> None:
    """Every control gives one finding for every index, sorted by control and name."""
    cases = [
        build_index(),
        rename_index(NEGLECTED_INDEX, "bare"),
        rename_index(build_index(schedules=None, deployment=Deployment.POD), "pods"),
    ]
    finding_keys = [(it.control, it.resource.name) for it in evaluate_facts(build_inventory(*cases)).findings]
    expected = {(control, name) for control in INDEX_IDS for name in ("main", "bare", "pods")}
    expected |= {(it.id, "default") for it in CATALOG.project_controls}
    assert finding_keys == sorted(expected)


def test_a_deleted_index_gives_one_finding_of_each_control_that_speaks_of_it() -> None:
    """A deleted index has its findings beside those of live indexes."""
    inventory = build_inventory(build_index(), extra_backups=[build_backup(DAY, index_id="id-gone", index_name="gone")])
    findings = [it for it in evaluate_facts(inventory).findings if it.resource.type is ResourceType.DELETED_INDEX]
    assert {it.control for it in findings} == {"backup-did-not-vanish", "backups-have-live-source"}
    assert {(it.resource.name, it.resource.id) for it in findings} == {("gone", "id-gone")}
    assert len(evaluate_facts(inventory).findings) == len(evaluate_facts(build_index()).findings) + len(findings)


def test_an_empty_project_is_evaluated_as_a_project() -> None:
    """No index is evaluated."""
    assert evaluate_verdicts(build_inventory()) == {
        ("backup-quota-has-headroom", "default"): Compliance.COMPLIANT,
        ("exemptions-are-current", "default"): Compliance.NOT_APPLICABLE,
        ("inventory-is-complete", "default"): Compliance.COMPLIANT,
        ("plan-allows-schedules", "default"): Compliance.NOT_APPLICABLE,
        ("policy-fits-quota", "default"): Compliance.NOT_APPLICABLE,
        ("project-is-expected", "default"): Compliance.NOT_APPLICABLE,
        ("schedules-fit-quota", "default"): Compliance.NOT_APPLICABLE,
    }


NOT_APPLICABLE_CONTROLS = {
    "backup-did-not-vanish",
    "backup-location-is-allowed",
    "backups-within-erasure-horizon",
    "deletion-protection-is-enabled",
    "exemptions-are-current",
    "index-has-required-tags",
    "project-is-expected",
    "restore-is-proven",
    "restore-time-meets-objective",
}
"""The controls that are not applicable in the first audit under the built-in policy."""


def test_a_healthy_index_passes_every_control() -> None:
    """The sample index passes; requirements that are off are not applicable."""
    compliance_by_control = {
        control: it for (control, _), it in evaluate_verdicts(build_inventory(build_index())).items()
    }
    assert {
        it for it in compliance_by_control if compliance_by_control[it] is Compliance.NOT_APPLICABLE
    } == NOT_APPLICABLE_CONTROLS
    assert {compliance_by_control[it] for it in compliance_by_control.keys() - NOT_APPLICABLE_CONTROLS} == {
        Compliance.COMPLIANT
    }


@pytest.mark.parametrize(
    "case,policy",
    [
        pytest.param(build_index(schedules=None, deployment=Deployment.POD), build_policy(), id="pod"),
        pytest.param(build_index(schedules=UNSUPPORTED_DENIAL), build_policy(), id="schedules-answered-400"),
        pytest.param(
            build_index(schedules=(), own_backups=UNSUPPORTED_DENIAL), build_policy(), id="backups-answered-400"
        ),
        pytest.param(
            build_index(holds_documents=True),
            replace(build_policy(), project=ProjectRequirement(document_indexes=DocumentIndexes.EXCLUDED)),
            id="excluded-documents",
        ),
    ],
)
def test_what_cannot_be_backed_up_is_not_evaluated(case: IndexCase, policy: Policy) -> None:
    """Every control of the index but one is not applicable, and it does not count for coverage."""
    evaluation = evaluate_facts(case, policy)
    excluded_control = "index-can-be-backed-up"
    other_findings = [it for it in evaluation.findings if it.control != excluded_control]
    compliances = {it.compliance for it in other_findings if it.resource.type is ResourceType.INDEX}
    assert compliances == {Compliance.NOT_APPLICABLE}
    assert evaluation.coverage.indexes == 0


def test_document_indexes_are_evaluated_unless_they_are_excluded() -> None:
    """The service's own documents disagree on whether they can be backed up."""
    assert evaluate_verdicts(build_inventory(build_index(holds_documents=True))) == evaluate_verdicts(
        build_inventory(build_index())
    )


def test_a_plan_without_schedules_takes_the_schedule_controls_away() -> None:
    """The plan affects no other control: an index without a recovery point still fails."""
    compliance_by_control = {
        control: it for (control, name), it in evaluate_verdicts(build_index(schedules=PLAN_DENIAL)).items()
    }
    schedule_controls = {it for it in INDEX_IDS if it == "index-has-schedule" or it.startswith("schedule-")}
    assert {
        it for it in schedule_controls if compliance_by_control[it] is Compliance.NOT_APPLICABLE
    } == schedule_controls
    assert compliance_by_control["index-has-recovery-point"] is Compliance.NON_COMPLIANT
    assert compliance_by_control["plan-allows-schedules"] is Compliance.NON_COMPLIANT


def test_a_plan_that_was_refused_once_explains_schedules_that_were_not_read() -> None:
    """An index without a read or known schedule has none; an index with known schedules is evaluated by them."""
    denied_index = rename_index(build_index(schedules=PLAN_DENIAL), "refused")
    unread_index = rename_index(build_index(schedules=build_failed_listing()), "unread")
    compliance_by_resource = evaluate_verdicts(build_inventory(denied_index, unread_index, build_index(schedules=())))
    assert compliance_by_resource["index-has-schedule", "unread"] is Compliance.NOT_APPLICABLE
    assert compliance_by_resource["index-has-schedule", "main"] is Compliance.NON_COMPLIANT


def test_a_control_that_raises_becomes_a_finding_and_silences_no_other() -> None:
    """The finding says that the control failed, and why."""

    def raise_error(_: object) -> Verdict:
        raise ZeroDivisionError("by zero")

    failing_control = make_single_catalog("schedule-is-unique", evaluate=raise_error).index_controls[0]
    catalog = ControlCatalog(
        project_controls=CATALOG.project_controls,
        index_controls=tuple(failing_control if it.id == failing_control.id else it for it in CATALOG.index_controls),
    )
    inventory = build_inventory(build_index())
    findings_by_control = {it.control: it for it in evaluate_controls(inventory, build_policy(), catalog).findings}
    assert findings_by_control["schedule-is-unique"].compliance is Compliance.INSUFFICIENT_DATA
    assert "ZeroDivisionError: by zero" in findings_by_control["schedule-is-unique"].reason
    other_compliances = {
        it.compliance
        for control, it in findings_by_control.items()
        if control not in {"schedule-is-unique", *NOT_APPLICABLE_CONTROLS}
    }
    assert other_compliances == {Compliance.COMPLIANT}


def test_a_fact_that_is_not_known_is_the_verdict() -> None:
    """Its reason and its evidence are those of the finding."""

    def raise_unknown(_: object) -> Verdict:
        raise InsufficientDataError("It is not known.", {"asked": 1})

    (finding,) = evaluate_controls(
        build_inventory(build_index()),
        build_policy(),
        make_single_catalog("schedule-is-unique", evaluate=raise_unknown),
    ).findings
    assert (finding.compliance, finding.reason) == (Compliance.INSUFFICIENT_DATA, "It is not known.")
    assert finding.evidence == {"asked": 1}


def test_remediation_names_the_resource_where_there_is_something_to_do() -> None:
    """A finding that passes wants nothing done."""
    findings_by_control = {it.control: it for it in evaluate_facts(NEGLECTED_INDEX).findings}
    assert "POST /indexes/main/backup-schedules" in findings_by_control["index-has-schedule"].remediation
    assert findings_by_control["schedule-is-enabled"].remediation == ""


@pytest.mark.parametrize(
    "names,controls,expires,is_exempted",
    [
        pytest.param("main", "index-has-schedule", date(2026, 11, 22), True, id="on-its-last-day"),
        pytest.param("main", "index-has-schedule", date(2026, 11, 21), False, id="one-day-past"),
        pytest.param("ma*", "*", date(2027, 1, 1), True, id="patterns"),
        pytest.param("other", "*", date(2027, 1, 1), False, id="another-index"),
        pytest.param("main", "schedule-*", date(2027, 1, 1), False, id="another-control"),
    ],
)
def test_an_exempted_finding_keeps_its_verdict(names: str, controls: str, expires: date, is_exempted: bool) -> None:
    """An exempted finding is not open; the exemption lasts to the end of its day."""
    evaluation = evaluate_with_exemption(Exemption((names,), (controls,), "team", "because", expires))
    finding = {it.control: it for it in evaluation.findings}["index-has-schedule"]
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert (finding.exemption is not None) is is_exempted
    assert finding.is_open is not is_exempted


def test_exemptions_speak_of_indexes_and_of_deviations_alone() -> None:
    """Neither the project nor a compliant finding carries an exemption."""
    inventory = build_inventory(
        build_index(runs=build_failed_listing()),
        extra_backups=[build_backup(90 * DAY, index_id="id-gone", index_name="gone")],
    )
    exempting_policy = replace(
        build_policy(), exemptions=(Exemption(("*",), ("*",), "team", "because", date(2027, 1, 1)),)
    )
    for finding in evaluate_facts(inventory, exempting_policy).findings:
        is_deviation = finding.compliance in {Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA}
        assert (finding.exemption is not None) is (is_deviation and finding.resource.type is not ResourceType.PROJECT)


def test_the_first_rule_that_fits_decides() -> None:
    """Its requirements replace the defaults."""
    lenient_requirements = replace(Requirements(), schedule=replace(Requirements().schedule, required=False))
    rules = (Rule("mine", ("main",), {}, lenient_requirements), Rule("all", ("*",), {}, Requirements()))
    inventory = build_inventory(NEGLECTED_INDEX, rename_index(NEGLECTED_INDEX, "other"))
    compliance_by_resource = evaluate_verdicts(inventory, replace(build_policy(), rules=rules))
    assert compliance_by_resource["index-has-schedule", "main"] is Compliance.NOT_APPLICABLE
    assert compliance_by_resource["index-has-schedule", "other"] is Compliance.NON_COMPLIANT


def test_a_rule_may_go_by_tags() -> None:
    """A rule matches the current tags of an index."""
    lenient_requirements = replace(Requirements(), schedule=replace(Requirements().schedule, required=False))
    policy = replace(build_policy(), rules=(Rule("mine", (), {"env": ("dev", "test")}, lenient_requirements),))
    for env, expected in (("dev", Compliance.NOT_APPLICABLE), ("prod", Compliance.NON_COMPLIANT)):
        index = build_index(schedules=(), tags={"env": env, "team": "search"})
        assert evaluate_verdicts(index, policy)["index-has-schedule", "main"] is expected


def test_what_covers_several_indexes_is_added_up() -> None:
    """Every one that can be backed up counts, and its recovery points."""
    inventory = build_inventory(
        build_index(), rename_index(build_index(), "other"), rename_index(NEGLECTED_INDEX, "third")
    )
    coverage = evaluate_facts(inventory).coverage
    assert (coverage.indexes, coverage.protected_indexes, coverage.recovery_points) == (3, 2, 14)


@pytest.mark.parametrize(
    "case,protected_count,points",
    [
        pytest.param(build_index(), 1, 7, id="healthy"),
        pytest.param(NEGLECTED_INDEX, 0, 0, id="neglected"),
        pytest.param(build_index(runs=[build_run(30 * HOUR)]), 1, 1, id="at-the-objective"),
        pytest.param(build_index(runs=[build_run(30 * HOUR + SECOND)]), 0, 1, id="one-second-past"),
        pytest.param(build_index(runs=[build_run(9 * DAY)]), 0, 1, id="too-old"),
        pytest.param(build_index(schedules=(), runs=[], backups=[build_run(DAY)]), 0, 0, id="live-id-unknown"),
    ],
)
def test_coverage_counts_what_is_known_to_be_protected(case: IndexCase, protected_count: int, points: int) -> None:
    """An enabled schedule, and a recovery point within its objective."""
    coverage = evaluate_facts(case).coverage
    assert (coverage.indexes, coverage.protected_indexes, coverage.recovery_points) == (1, protected_count, points)


def test_a_healthy_project_leaves_no_doubt_after_one_read() -> None:
    """No second read is due."""
    assert evaluate_facts(build_inventory(build_index(reads=1), reads=1)).unconfirmed_listings == frozenset()


def test_findings_name_the_id_of_the_live_index_where_it_is_known() -> None:
    """The id of the project, which the schedules report, is in the findings."""
    found_resources = {it.resource for it in evaluate_facts(build_index()).findings}
    assert {(it.type, it.id) for it in found_resources} == {
        (ResourceType.INDEX, "id-main"),
        (ResourceType.PROJECT, "project-1"),
    }
    assert {it.id for it in {it.resource for it in evaluate_facts(build_inventory(observed_at=NOW)).findings}} == {None}

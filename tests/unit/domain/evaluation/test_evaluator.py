"""Every control on every resource gives exactly one finding."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.control import InsufficientDataError, Verdict
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, Evaluation, evaluate_controls
from backup_auditor.domain.finding import Compliance, Exemption, ResourceType
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import DocumentIndexes, Policy, ProjectRequirement, Requirements, Rule
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    backup,
    broken,
    index,
    inventory,
    judged,
    policy,
    renamed,
    run,
    verdicts,
)

INDEX_IDS = {it.id for it in CATALOG.index_controls}
SCHEDULES_REFUSED = Denial(DenialReason.PLAN, "no such plan")
UNSUPPORTED = Denial(DenialReason.UNSUPPORTED, "not for this index")
NEGLECTED = index(schedules=())


def only(control: str, **changes: Any) -> ControlCatalog:
    """Make a catalogue of one index control, changed as told."""
    (found,) = (it for it in CATALOG.index_controls if it.id == control)
    return ControlCatalog(project_controls=(), index_controls=(replace(found, **changes),))


def under(exemption: Exemption, case: IndexCase = NEGLECTED) -> Evaluation:
    """Judge a neglected index under an exemption."""
    return judged(case, replace(policy(), exemptions=(exemption,)))


def test_every_control_gives_one_finding_on_every_resource() -> None:
    """Whatever kind of index it is; in the order of control and name."""
    cases = [index(), renamed(NEGLECTED, "bare"), renamed(index(schedules=None, deployment=Deployment.POD), "pods")]
    found = [(it.control, it.resource.name) for it in judged(inventory(*cases)).findings]
    expected = {(control, name) for control in INDEX_IDS for name in ("main", "bare", "pods")}
    expected |= {(it.id, "default") for it in CATALOG.project_controls}
    assert found == sorted(expected)


def test_a_deleted_index_gives_one_finding_of_each_control_that_speaks_of_it() -> None:
    """And the live indexes give theirs all the same."""
    told = inventory(index(), more=[backup(DAY, index_id="id-gone", index_name="gone")])
    found = [it for it in judged(told).findings if it.resource.type is ResourceType.DELETED_INDEX]
    assert {it.control for it in found} == {"backup-did-not-vanish", "backups-have-live-source"}
    assert {(it.resource.name, it.resource.id) for it in found} == {("gone", "id-gone")}
    assert len(judged(told).findings) == len(judged(index()).findings) + len(found)


def test_an_empty_project_is_judged_as_a_project() -> None:
    """There is no index to judge."""
    assert verdicts(inventory()) == {
        ("backup-quota-has-headroom", "default"): Compliance.COMPLIANT,
        ("exemptions-are-current", "default"): Compliance.NOT_APPLICABLE,
        ("inventory-is-complete", "default"): Compliance.COMPLIANT,
        ("plan-allows-schedules", "default"): Compliance.NOT_APPLICABLE,
        ("policy-fits-quota", "default"): Compliance.NOT_APPLICABLE,
        ("project-is-expected", "default"): Compliance.NOT_APPLICABLE,
        ("schedules-fit-quota", "default"): Compliance.NOT_APPLICABLE,
    }


NOT_REQUIRED = {
    "backup-did-not-vanish",
    "backup-location-is-allowed",
    "backups-within-erasure-horizon",
    "deletion-protection-is-enabled",
    "exemptions-are-current",
    "index-has-required-tags",
    "project-is-expected",
}
"""What has nothing to judge in the first audit under the built-in policy."""


def test_a_healthy_index_passes_every_control() -> None:
    """The builders' own; what is not required has nothing to judge."""
    found = {control: it for (control, _), it in verdicts(inventory(index())).items()}
    assert {it for it in found if found[it] is Compliance.NOT_APPLICABLE} == NOT_REQUIRED
    assert {found[it] for it in found.keys() - NOT_REQUIRED} == {Compliance.COMPLIANT}


@pytest.mark.parametrize(
    "case,required",
    [
        pytest.param(index(schedules=None, deployment=Deployment.POD), policy(), id="pod"),
        pytest.param(index(schedules=UNSUPPORTED), policy(), id="schedules-answered-400"),
        pytest.param(index(schedules=(), own=UNSUPPORTED), policy(), id="backups-answered-400"),
        pytest.param(
            index(holds_documents=True),
            replace(policy(), project=ProjectRequirement(document_indexes=DocumentIndexes.EXCLUDED)),
            id="excluded-documents",
        ),
    ],
)
def test_what_cannot_be_backed_up_is_not_judged(case: IndexCase, required: Policy) -> None:
    """Every control of the index but one is not applicable, and it does not count for coverage."""
    judgement = judged(case, required)
    judged_aside = "index-can-be-backed-up"
    others = [it for it in judgement.findings if it.control != judged_aside]
    found = {it.compliance for it in others if it.resource.type is ResourceType.INDEX}
    assert found == {Compliance.NOT_APPLICABLE}
    assert judgement.coverage.indexes == 0


def test_document_indexes_are_judged_unless_they_are_excluded() -> None:
    """The service's own documents disagree on whether they can be backed up."""
    assert verdicts(inventory(index(holds_documents=True))) == verdicts(inventory(index()))


def test_a_plan_without_schedules_takes_the_schedule_controls_away() -> None:
    """And no other: an index without a recovery point is still one."""
    found = {control: it for (control, name), it in verdicts(index(schedules=SCHEDULES_REFUSED)).items()}
    about_schedules = {it for it in INDEX_IDS if it == "index-has-schedule" or it.startswith("schedule-")}
    assert {it for it in about_schedules if found[it] is Compliance.NOT_APPLICABLE} == about_schedules
    assert found["index-has-recovery-point"] is Compliance.NON_COMPLIANT
    assert found["plan-allows-schedules"] is Compliance.NON_COMPLIANT


def test_a_plan_that_was_refused_once_explains_schedules_that_were_not_read() -> None:
    """An index whose schedules did not come, of which none was seen, has none; one whose came is judged by them."""
    refused = renamed(index(schedules=SCHEDULES_REFUSED), "refused")
    unread = renamed(index(schedules=broken()), "unread")
    found = verdicts(inventory(refused, unread, index(schedules=())))
    assert found["index-has-schedule", "unread"] is Compliance.NOT_APPLICABLE
    assert found["index-has-schedule", "main"] is Compliance.NON_COMPLIANT


def test_a_control_that_raises_becomes_a_finding_and_silences_no_other() -> None:
    """It says that it is the control that failed, and of what."""

    def fall(_: object) -> Verdict:
        raise ZeroDivisionError("by zero")

    broken_one = only("schedule-is-unique", evaluate=fall).index_controls[0]
    chosen = ControlCatalog(
        project_controls=CATALOG.project_controls,
        index_controls=tuple(broken_one if it.id == broken_one.id else it for it in CATALOG.index_controls),
    )
    told = inventory(index())
    found = {it.control: it for it in evaluate_controls(told, policy(), chosen).findings}
    assert found["schedule-is-unique"].compliance is Compliance.INSUFFICIENT_DATA
    assert "ZeroDivisionError: by zero" in found["schedule-is-unique"].reason
    others = {it.compliance for control, it in found.items() if control not in {"schedule-is-unique", *NOT_REQUIRED}}
    assert others == {Compliance.COMPLIANT}


def test_a_fact_that_is_not_known_is_the_verdict() -> None:
    """Its reason and its evidence are those of the finding."""

    def miss(_: object) -> Verdict:
        raise InsufficientDataError("It is not known.", {"asked": 1})

    (found,) = evaluate_controls(inventory(index()), policy(), only("schedule-is-unique", evaluate=miss)).findings
    assert (found.compliance, found.reason) == (Compliance.INSUFFICIENT_DATA, "It is not known.")
    assert found.evidence == {"asked": 1}


def test_remediation_names_the_resource_where_there_is_something_to_do() -> None:
    """A finding that passes wants nothing done."""
    found = {it.control: it for it in judged(NEGLECTED).findings}
    assert "POST /indexes/main/backup-schedules" in found["index-has-schedule"].remediation
    assert found["schedule-is-enabled"].remediation == ""


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
    """It carries the exemption and is not open; the exemption lasts to the end of its day."""
    judgement = under(Exemption((names,), (controls,), "team", "because", expires))
    found = {it.control: it for it in judgement.findings}["index-has-schedule"]
    assert found.compliance is Compliance.NON_COMPLIANT
    assert (found.exemption is not None) is is_exempted
    assert found.is_open is not is_exempted


def test_exemptions_speak_of_indexes_and_of_deviations_alone() -> None:
    """Neither the project nor a finding that passes carries one."""
    told = inventory(index(runs=broken()), more=[backup(90 * DAY, index_id="id-gone", index_name="gone")])
    everything = replace(policy(), exemptions=(Exemption(("*",), ("*",), "team", "because", date(2027, 1, 1)),))
    for it in judged(told, everything).findings:
        deviates = it.compliance in {Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA}
        assert (it.exemption is not None) is (deviates and it.resource.type is not ResourceType.PROJECT)


def test_the_first_rule_that_fits_decides() -> None:
    """Its requirements replace the defaults."""
    lenient = replace(Requirements(), schedule=replace(Requirements().schedule, required=False))
    rules = (Rule("mine", ("main",), {}, lenient), Rule("all", ("*",), {}, Requirements()))
    told = inventory(NEGLECTED, renamed(NEGLECTED, "other"))
    found = verdicts(told, replace(policy(), rules=rules))
    assert found["index-has-schedule", "main"] is Compliance.NOT_APPLICABLE
    assert found["index-has-schedule", "other"] is Compliance.NON_COMPLIANT


def test_a_rule_may_go_by_tags() -> None:
    """Those of the index as it is now."""
    lenient = replace(Requirements(), schedule=replace(Requirements().schedule, required=False))
    required = replace(policy(), rules=(Rule("mine", (), {"env": ("dev", "test")}, lenient),))
    for env, expected in (("dev", Compliance.NOT_APPLICABLE), ("prod", Compliance.NON_COMPLIANT)):
        told = index(schedules=(), tags={"env": env, "team": "search"})
        assert verdicts(told, required)["index-has-schedule", "main"] is expected


def test_what_covers_several_indexes_is_added_up() -> None:
    """Every one that can be backed up counts, and its recovery points."""
    told = inventory(index(), renamed(index(), "other"), renamed(NEGLECTED, "third"))
    coverage = judged(told).coverage
    assert (coverage.indexes, coverage.protected_indexes, coverage.recovery_points) == (3, 2, 14)


@pytest.mark.parametrize(
    "case,protected,points",
    [
        pytest.param(index(), 1, 7, id="healthy"),
        pytest.param(NEGLECTED, 0, 0, id="neglected"),
        pytest.param(index(runs=[run(30 * HOUR)]), 1, 1, id="at-the-objective"),
        pytest.param(index(runs=[run(30 * HOUR + SECOND)]), 0, 1, id="one-second-past"),
        pytest.param(index(runs=[run(9 * DAY)]), 0, 1, id="too-old"),
        pytest.param(index(schedules=(), runs=[], backups=[run(DAY)]), 0, 0, id="live-id-in-doubt"),
    ],
)
def test_coverage_counts_what_is_known_to_be_protected(case: IndexCase, protected: int, points: int) -> None:
    """An enabled schedule, and a recovery point within its objective."""
    coverage = judged(case).coverage
    assert (coverage.indexes, coverage.protected_indexes, coverage.recovery_points) == (1, protected, points)


def test_a_healthy_project_leaves_no_doubt_after_one_walk() -> None:
    """No second walk is due."""
    assert judged(inventory(index(walks=1), walks=1)).unconfirmed_listings == frozenset()


def test_findings_name_the_id_of_the_live_index_where_it_is_known() -> None:
    """And that of the project, which the schedules tell."""
    found = {it.resource for it in judged(index()).findings}
    assert {(it.type, it.id) for it in found} == {
        (ResourceType.INDEX, "id-main"),
        (ResourceType.PROJECT, "project-1"),
    }
    assert {it.id for it in {it.resource for it in judged(inventory(observed_at=NOW)).findings}} == {None}

"""A finding is new, ongoing, reopened or resolved, and keeps its first time."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.project_state import FindingState
from support.builders.audit_sequence import (
    COMPLIANT,
    INCOMPLETE_INVENTORY,
    INSUFFICIENT_DATA,
    NON_COMPLIANT,
    NOT_APPLICABLE,
    AuditSequence,
    build_verdict,
    get_audit_time,
    list_lifecycles,
)
from support.builders.facts import build_index, build_inventory, rename_index
from support.builders.reports import EXEMPTION


def build_exempted_finding(compliance: Compliance = NON_COMPLIANT) -> Finding:
    """Build a finding that was accepted."""
    return build_verdict(compliance, exemption=EXEMPTION)


def audit_each(*findings: Finding) -> AuditSequence:
    """Audit once with each finding."""
    sequence = AuditSequence()
    for finding in findings:
        sequence.audit_with_findings(finding)
    return sequence


def test_a_finding_is_new_when_it_is_found_first() -> None:
    """A new finding is first seen at this audit, and opened once."""
    sequence = AuditSequence()
    (finding,) = sequence.audit_with_findings(build_verdict()).findings
    assert (finding.lifecycle, finding.first_seen) == ("new", get_audit_time(0))
    assert (sequence.only_finding.state, sequence.only_finding.times_opened) == (FindingState.OPEN, 1)


def test_a_finding_that_is_found_again_is_ongoing() -> None:
    """An ongoing finding keeps its first time and its count."""
    nights = audit_each(build_verdict())
    (finding,) = nights.audit_with_findings(build_verdict()).findings
    assert (finding.lifecycle, finding.first_seen, nights.only_finding.times_opened) == (
        "ongoing",
        get_audit_time(0),
        1,
    )


@pytest.mark.parametrize(
    "compliance,reason",
    [
        pytest.param(COMPLIANT, "found compliant: It is well.", id="compliant"),
        pytest.param(NOT_APPLICABLE, "found not applicable: It is well.", id="not-applicable"),
    ],
)
def test_a_finding_resolves_when_it_is_evaluated_as_compliant(compliance: Compliance, reason: str) -> None:
    """The report has the first time of the finding, and why it is resolved."""
    nights = audit_each(build_verdict())
    outcome = nights.audit_with_findings(build_verdict(compliance, reason="It is well."))
    (resolved_finding,) = outcome.resolved_findings
    assert (resolved_finding.first_seen, resolved_finding.resolved_at, resolved_finding.reason) == (
        get_audit_time(0),
        get_audit_time(1),
        reason,
    )
    assert list_lifecycles(outcome) == [None]
    assert outcome.findings[0].first_seen is None


def test_a_resolution_is_reported_once() -> None:
    """The next audit does not report the resolution again."""
    nights = audit_each(build_verdict(), build_verdict(COMPLIANT))
    assert nights.audit_with_findings(build_verdict(COMPLIANT)).resolved_findings == ()


def test_a_finding_that_comes_back_is_reopened() -> None:
    """A reopened finding keeps its first time, and its count grows."""
    nights = audit_each(build_verdict(), build_verdict(COMPLIANT))
    (finding,) = nights.audit_with_findings(build_verdict()).findings
    assert (finding.lifecycle, finding.first_seen, nights.only_finding.times_opened) == (
        "reopened",
        get_audit_time(0),
        2,
    )


def test_an_exempted_finding_has_no_lifecycle() -> None:
    """An exempted finding has its first time, and counts as never opened."""
    sequence = AuditSequence()
    (finding,) = sequence.audit_with_findings(build_exempted_finding()).findings
    assert (finding.lifecycle, finding.first_seen) == (None, get_audit_time(0))
    assert (sequence.only_finding.state, sequence.only_finding.times_opened) == (FindingState.EXEMPTED, 0)


def test_exempting_a_finding_is_no_resolution() -> None:
    """An exempted finding is not reported as resolved."""
    assert audit_each(build_verdict()).audit_with_findings(build_exempted_finding()).resolved_findings == ()


@pytest.mark.parametrize(
    "previous_findings,lifecycle,times",
    [
        pytest.param([build_exempted_finding()], "new", 1, id="it-was-never-open"),
        pytest.param([build_verdict(), build_exempted_finding()], "reopened", 2, id="it-was-open-before"),
        pytest.param([build_exempted_finding(), build_verdict(COMPLIANT)], "new", 1, id="it-was-never-open-and-ended"),
        pytest.param(
            [build_verdict(), build_exempted_finding(), build_verdict(COMPLIANT)],
            "reopened",
            2,
            id="it-was-open-before-and-ended",
        ),
    ],
)
def test_a_finding_comes_back_when_its_exemption_ends(
    previous_findings: list[Finding], lifecycle: str, times: int
) -> None:
    """The first time of the finding is its very first, exempted or not."""
    nights = audit_each(*previous_findings)
    (finding,) = nights.audit_with_findings(build_verdict()).findings
    assert (finding.lifecycle, finding.first_seen, nights.only_finding.times_opened) == (
        lifecycle,
        get_audit_time(0),
        times,
    )


def test_the_end_of_an_exempted_finding_is_not_reported() -> None:
    """An exempted finding that becomes compliant is not reported as resolved."""
    nights = audit_each(build_exempted_finding())
    assert nights.audit_with_findings(build_verdict(COMPLIANT)).resolved_findings == ()
    assert nights.only_finding.state is FindingState.RESOLVED


def test_an_open_finding_stays_open_while_it_is_unknown() -> None:
    """An unknown verdict does not resolve a finding."""
    nights = audit_each(build_verdict())
    outcome = nights.audit_with_findings(build_verdict(INSUFFICIENT_DATA))
    (finding,) = outcome.findings
    assert (finding.lifecycle, finding.first_seen, outcome.resolved_findings) == ("ongoing", get_audit_time(0), ())
    assert nights.audit_with_findings(build_verdict()).findings[0].lifecycle == "ongoing"


@pytest.mark.parametrize(
    "previous_findings",
    [
        pytest.param([], id="never-known"),
        pytest.param([build_verdict(), build_verdict(COMPLIANT)], id="resolved"),
        pytest.param([build_exempted_finding()], id="accepted"),
    ],
)
def test_an_unknown_verdict_without_an_open_finding_has_no_lifecycle(previous_findings: list[Finding]) -> None:
    """An unknown verdict does not open a finding."""
    nights = audit_each(*previous_findings)
    known_findings = dict(nights.state.findings)
    assert list_lifecycles(nights.audit_with_findings(build_verdict(INSUFFICIENT_DATA))) == [None]
    assert nights.state.findings == known_findings


def test_an_exempted_unknown_verdict_has_no_lifecycle() -> None:
    """It is not open in the report, and the finding is open again when the exemption ends."""
    nights = audit_each(build_verdict())
    assert list_lifecycles(nights.audit_with_findings(build_exempted_finding(INSUFFICIENT_DATA))) == [None]
    assert list_lifecycles(nights.audit_with_findings(build_verdict())) == ["ongoing"]


def test_an_incomplete_audit_resolves_what_it_evaluated() -> None:
    """An incomplete audit resolves a finding whose verdict did not need what could not be read."""
    outcome = audit_each(build_verdict()).audit_with_findings(build_verdict(COMPLIANT), inventory=INCOMPLETE_INVENTORY)
    assert [it.reason for it in outcome.resolved_findings] == ["found compliant: The index has no backup schedule."]


def test_the_record_of_a_finding_follows_it() -> None:
    """The record has the latest severity, and the latest id of the index."""
    nights = audit_each(build_verdict())
    known_resource = Resource(ResourceType.INDEX, "default", "orders", "id-1")
    nights.audit_with_findings(build_verdict(resource=known_resource, severity=Severity.CRITICAL))
    assert (nights.only_finding.resource.id, nights.only_finding.severity) == ("id-1", Severity.CRITICAL)


def test_a_finding_that_stays_hides_no_other_that_ends() -> None:
    """Each finding of a deleted index is resolved, however many findings stay."""
    sequence = AuditSequence()
    names = [f"index-{number}" for number in range(5)]
    inventory = build_inventory(*(rename_index(build_index(), it) for it in names))
    sequence.audit_with_findings(*(build_verdict(name=it) for it in names), inventory=inventory)
    remaining_inventory = build_inventory(*(rename_index(build_index(), it) for it in names[:3]))
    ended_findings = sequence.audit_with_findings(
        *(build_verdict(name=it) for it in names[:3]), inventory=remaining_inventory
    ).resolved_findings
    assert [it.resource.name for it in ended_findings] == names[3:]
    assert [it.fingerprint for it in ended_findings] == [build_verdict(name=it).fingerprint for it in names[3:]]


def test_findings_are_independent() -> None:
    """One finding is resolved while another is opened; resolved ones are sorted by control and name."""
    sequence = AuditSequence()
    sequence.audit_with_findings(
        build_verdict(name="b"), build_verdict(name="a"), build_verdict(name="a", control="index-is-well")
    )
    ended_findings: list[Any] = [
        build_verdict(COMPLIANT, name="b"),
        build_verdict(COMPLIANT, name="a"),
        build_verdict(COMPLIANT, name="a", control="index-is-well"),
    ]
    outcome = sequence.audit_with_findings(*ended_findings, build_verdict(name="c"))
    assert [(it.control, it.resource.name) for it in outcome.resolved_findings] == [
        ("index-has-schedule", "a"),
        ("index-has-schedule", "b"),
        ("index-is-well", "a"),
    ]
    assert list_lifecycles(outcome) == [None, None, None, "new"]


STEP_LISTS = st.lists(st.tuples(st.sampled_from(list(Compliance)), st.booleans()), min_size=1, max_size=12)


@given(STEP_LISTS)
def test_openings_and_resolutions_take_turns(steps: list[tuple[Compliance, bool]]) -> None:
    """For any verdicts, only open findings are resolved, each opening counts, and the first time stays."""
    sequence = AuditSequence()
    transitions: list[str] = []
    sightings = []
    for number, (compliance, is_accepted) in enumerate(steps):
        is_deviation = compliance in {NON_COMPLIANT, INSUFFICIENT_DATA}
        step_finding = build_exempted_finding(compliance) if is_accepted and is_deviation else build_verdict(compliance)
        outcome = sequence.audit_with_findings(step_finding)
        repeated_result = sequence.audit_with_findings(
            step_finding, audit_id=outcome.audit_id, observed_at=get_audit_time(number)
        )
        assert repeated_result == outcome
        (finding,) = outcome.findings
        transitions += ["opened"] * (finding.lifecycle in {"new", "reopened"}) + ["resolved"] * len(
            outcome.resolved_findings
        )
        sightings += [get_audit_time(number)] * (compliance is NON_COMPLIANT)
        assert finding.first_seen in {None, *sightings[:1]}
    assert transitions[:1] != ["resolved"]
    assert ("resolved", "resolved") not in pairwise(transitions)
    for known_finding in sequence.state.findings.values():
        assert (known_finding.times_opened, known_finding.first_seen) == (transitions.count("opened"), sightings[0])

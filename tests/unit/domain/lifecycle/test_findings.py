"""A finding is new, ongoing, reopened or resolved; when it was first found survives everything."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.project_state import FindingState
from support.builders.audit_sequence import (
    COMPLIANT,
    INCOMPLETE,
    INSUFFICIENT,
    NON_COMPLIANT,
    NOT_APPLICABLE,
    Nights,
    lifecycles,
    night,
    verdict,
)
from support.builders.facts import index, inventory, renamed
from support.builders.reports import EXEMPTION


def exempted(compliance: Compliance = NON_COMPLIANT) -> Finding:
    """Build a finding that was accepted."""
    return verdict(compliance, exemption=EXEMPTION)


def nights_of(*findings: Finding) -> Nights:
    """Audit once with each finding."""
    nights = Nights()
    for it in findings:
        nights.judged(it)
    return nights


def test_a_finding_is_new_when_it_is_found_first() -> None:
    """It was first seen at that moment, and opened once."""
    nights = Nights()
    (found,) = nights.judged(verdict()).findings
    assert (found.lifecycle, found.first_seen) == ("new", night(0))
    assert (nights.known.state, nights.known.times_opened) == (FindingState.OPEN, 1)


def test_a_finding_that_is_found_again_is_ongoing() -> None:
    """Its first sighting and its count stay."""
    nights = nights_of(verdict())
    (found,) = nights.judged(verdict()).findings
    assert (found.lifecycle, found.first_seen, nights.known.times_opened) == ("ongoing", night(0), 1)


@pytest.mark.parametrize(
    "compliance,because",
    [
        pytest.param(COMPLIANT, "found compliant: It is well.", id="compliant"),
        pytest.param(NOT_APPLICABLE, "found not applicable: It is well.", id="not-applicable"),
    ],
)
def test_a_finding_resolves_when_it_is_judged_to_be_none(compliance: Compliance, because: str) -> None:
    """The report says when it was first seen, and why it is over."""
    nights = nights_of(verdict())
    outcome = nights.judged(verdict(compliance, reason="It is well."))
    (resolved,) = outcome.resolved_findings
    assert (resolved.first_seen, resolved.resolved_at, resolved.reason) == (night(0), night(1), because)
    assert lifecycles(outcome) == [None]
    assert outcome.findings[0].first_seen is None


def test_a_resolution_is_told_once() -> None:
    """The night after, nothing is left to tell."""
    nights = nights_of(verdict(), verdict(COMPLIANT))
    assert nights.judged(verdict(COMPLIANT)).resolved_findings == ()


def test_a_finding_that_comes_back_is_reopened() -> None:
    """Its first sighting survives, and it is counted."""
    nights = nights_of(verdict(), verdict(COMPLIANT))
    (found,) = nights.judged(verdict()).findings
    assert (found.lifecycle, found.first_seen, nights.known.times_opened) == ("reopened", night(0), 2)


def test_an_accepted_finding_has_no_lifecycle() -> None:
    """It tells when it was first seen, and was not opened."""
    nights = Nights()
    (found,) = nights.judged(exempted()).findings
    assert (found.lifecycle, found.first_seen) == (None, night(0))
    assert (nights.known.state, nights.known.times_opened) == (FindingState.EXEMPTED, 0)


def test_accepting_a_finding_is_no_resolution() -> None:
    """Nothing about the index is better."""
    assert nights_of(verdict()).judged(exempted()).resolved_findings == ()


@pytest.mark.parametrize(
    "before,lifecycle,times",
    [
        pytest.param([exempted()], "new", 1, id="it-was-never-open"),
        pytest.param([verdict(), exempted()], "reopened", 2, id="it-was-open-before"),
        pytest.param([exempted(), verdict(COMPLIANT)], "new", 1, id="it-was-never-open-and-ended"),
        pytest.param([verdict(), exempted(), verdict(COMPLIANT)], "reopened", 2, id="it-was-open-before-and-ended"),
    ],
)
def test_a_finding_comes_back_when_its_exemption_ends(before: list[Finding], lifecycle: str, times: int) -> None:
    """Its first sighting is the first ever, accepted or not."""
    nights = nights_of(*before)
    (found,) = nights.judged(verdict()).findings
    assert (found.lifecycle, found.first_seen, nights.known.times_opened) == (lifecycle, night(0), times)


def test_the_end_of_an_accepted_finding_is_not_told() -> None:
    """Nobody was told of it either."""
    nights = nights_of(exempted())
    assert nights.judged(verdict(COMPLIANT)).resolved_findings == ()
    assert nights.known.state is FindingState.RESOLVED


def test_an_open_finding_stays_open_where_nothing_can_be_said() -> None:
    """Not knowing resolves nothing."""
    nights = nights_of(verdict())
    outcome = nights.judged(verdict(INSUFFICIENT))
    (found,) = outcome.findings
    assert (found.lifecycle, found.first_seen, outcome.resolved_findings) == ("ongoing", night(0), ())
    assert nights.judged(verdict()).findings[0].lifecycle == "ongoing"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="never-known"),
        pytest.param([verdict(), verdict(COMPLIANT)], id="resolved"),
        pytest.param([exempted()], id="accepted"),
    ],
)
def test_what_cannot_be_said_has_no_lifecycle_where_nothing_was_open(before: list[Finding]) -> None:
    """And it makes nothing known."""
    nights = nights_of(*before)
    known = dict(nights.memory.findings)
    assert lifecycles(nights.judged(verdict(INSUFFICIENT))) == [None]
    assert nights.memory.findings == known


def test_an_unknown_verdict_that_is_accepted_has_no_lifecycle() -> None:
    """It is not open in the report, and the finding is open again the night the exemption ends."""
    nights = nights_of(verdict())
    assert lifecycles(nights.judged(exempted(INSUFFICIENT))) == [None]
    assert lifecycles(nights.judged(verdict())) == ["ongoing"]


def test_an_incomplete_audit_resolves_what_it_judged() -> None:
    """What could not be read was not needed for that verdict."""
    outcome = nights_of(verdict()).judged(verdict(COMPLIANT), told=INCOMPLETE)
    assert [it.reason for it in outcome.resolved_findings] == ["found compliant: It has no backup schedule at all."]


def test_what_is_known_of_a_finding_follows_it() -> None:
    """Its severity, and the id of its index, as they were last told."""
    nights = nights_of(verdict())
    now_known = Resource(ResourceType.INDEX, "default", "orders", "id-1")
    nights.judged(verdict(resource=now_known, severity=Severity.CRITICAL))
    assert (nights.known.resource.id, nights.known.severity) == ("id-1", Severity.CRITICAL)


def test_a_finding_that_stays_hides_no_other_that_ends() -> None:
    """Of those that are not judged any more every one ends with its index, however many are judged before it."""
    nights = Nights()
    names = [f"index-{number}" for number in range(5)]
    told = inventory(*(renamed(index(), it) for it in names))
    nights.judged(*(verdict(name=it) for it in names), told=told)
    left = inventory(*(renamed(index(), it) for it in names[:3]))
    ended = nights.judged(*(verdict(name=it) for it in names[:3]), told=left).resolved_findings
    assert [it.resource.name for it in ended] == names[3:]
    assert [it.fingerprint for it in ended] == [verdict(name=it).fingerprint for it in names[3:]]


def test_findings_go_their_own_ways() -> None:
    """One is resolved while another is opened; those resolved are told in the order of control and name."""
    nights = Nights()
    nights.judged(verdict(name="b"), verdict(name="a"), verdict(name="a", control="index-is-well"))
    ended: list[Any] = [
        verdict(COMPLIANT, name="b"),
        verdict(COMPLIANT, name="a"),
        verdict(COMPLIANT, name="a", control="index-is-well"),
    ]
    outcome = nights.judged(*ended, verdict(name="c"))
    assert [(it.control, it.resource.name) for it in outcome.resolved_findings] == [
        ("index-has-schedule", "a"),
        ("index-has-schedule", "b"),
        ("index-is-well", "a"),
    ]
    assert lifecycles(outcome) == [None, None, None, "new"]


STEPS = st.lists(st.tuples(st.sampled_from(list(Compliance)), st.booleans()), min_size=1, max_size=12)


@given(STEPS)
def test_openings_and_resolutions_take_turns(steps: list[tuple[Compliance, bool]]) -> None:
    """Whatever the verdicts: only what is open is resolved, every opening counts, and the first sighting stays."""
    nights = Nights()
    told: list[str] = []
    sightings = []
    for number, (compliance, is_accepted) in enumerate(steps):
        deviates = compliance in {NON_COMPLIANT, INSUFFICIENT}
        one = exempted(compliance) if is_accepted and deviates else verdict(compliance)
        outcome = nights.judged(one)
        again = nights.judged(one, audit_id=outcome.audit_id, at=night(number))
        assert again == outcome
        (found,) = outcome.findings
        told += ["opened"] * (found.lifecycle in {"new", "reopened"}) + ["resolved"] * len(outcome.resolved_findings)
        sightings += [night(number)] * (compliance is NON_COMPLIANT)
        assert found.first_seen in {None, *sightings[:1]}
    assert told[:1] != ["resolved"]
    assert ("resolved", "resolved") not in pairwise(told)
    for known in nights.memory.findings.values():
        assert (known.times_opened, known.first_seen) == (told.count("opened"), sightings[0])

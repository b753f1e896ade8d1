"""Test that an outage of three hours costs no night and raises no alarm, and that a longer one is repaired by hand."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from support.faults.outage_nights import SERVICES, OutageNights

SHORT, LONG = timedelta(hours=3), timedelta(hours=6)
FLEET_SIZE = 20
SAMPLE_SIZE = 2
INSTANTS_PER_SERVICE = 5


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutageNights]:
    """Deploy the application with a few projects."""
    outage_nights = OutageNights(tmp_path_factory.mktemp("cloud"), SAMPLE_SIZE)
    yield outage_nights
    outage_nights.close()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutageNights]:
    """Deploy the application with a whole fleet."""
    outage_nights = OutageNights(tmp_path_factory.mktemp("fleet"), FLEET_SIZE)
    yield outage_nights
    outage_nights.close()


def check_short_outage(nights: OutageNights, service: str, after: int) -> None:
    """Run a night with an outage of three hours, and check that nothing is missing after it."""
    outage = nights.make_outage(service, SHORT, after=after)
    nights.run_night(outage)
    context = f"{service} out after {after} calls"
    assert outage.refused_count, context
    # a message whose acceptance could not be recorded is sent again, and says so
    assert list(nights.find_violations(may_repeat=service == "dynamodb" and after > 0)) == [], context
    assert (nights.find_alarms(), nights.app.flow.dead_letters) == (set(), []), context
    assert nights.count_failures() == {}, context


def choose_instants(nights: OutageNights, service: str, count: int) -> list[int]:
    """Return the numbers of the calls at which outages of a service begin: the first of the night, and others."""
    rng = random.Random(service)  # noqa: S311  a seeded choice, not a secret
    # a night can have a few calls less than the first one
    return [0, *(rng.randrange(1, max(2, nights.call_counts[service] * 4 // 5)) for _ in range(count - 1))]


@pytest.mark.parametrize("service", SERVICES)
def test_an_outage_of_three_hours_costs_no_night(nights: OutageNights, service: str) -> None:
    """Every project is audited and alerted once, whether the outage begins before the night or within it."""
    for after in choose_instants(nights, service, 2):
        check_short_outage(nights, service, after)


@pytest.mark.soak
@pytest.mark.parametrize("service", SERVICES)
def test_no_outage_of_three_hours_costs_a_fleet_a_night(fleet: OutageNights, service: str) -> None:
    """An outage can begin at any call of a night of twenty projects."""
    for after in choose_instants(fleet, service, INSTANTS_PER_SERVICE):
        check_short_outage(fleet, service, after)


@pytest.mark.parametrize("service", ["s3", "ssm"])
def test_a_night_lost_to_a_long_outage_is_redriven(nights: OutageNights, service: str) -> None:
    """An outage of six hours is an alarm and a message to every project that morning; redriving brings every audit."""
    nights.run_night(None)  # the time until a project is overdue begins in a regular night
    nights.run_night(nights.make_outage(service, LONG))
    assert nights.list_records() == []
    assert {it.queue for it in nights.app.flow.dead_letters} == {"DispatchQueue" if service == "ssm" else "AuditQueue"}
    assert {"DeadLettersAlarm", "ProjectsOverdueAlarm", "ProjectsNewlyFailedAlarm"} <= nights.find_alarms()
    assert nights.count_failures() == {(name, kind): 1 for name in nights.projects for kind in ("sns", "slack")}
    nights.redrive()
    assert list(nights.find_violations(may_repeat=False)) == []
    assert nights.app.flow.dead_letters == []


@pytest.mark.soak
@pytest.mark.parametrize("service", SERVICES)
def test_a_long_outage_is_an_alarm_that_morning(fleet: OutageNights, service: str) -> None:
    """Whatever is out for six hours, an alarm says so, and after a redrive nothing is missing but incomplete audits."""
    fleet.run_night(None)
    fleet.run_night(fleet.make_outage(service, LONG))
    assert fleet.find_alarms()
    fleet.redrive()
    if service == "pinecone":  # incomplete audits are recorded at the last attempt
        assert not any(it["complete"]["BOOL"] for it in fleet.list_records())
    else:
        assert list(fleet.find_violations(may_repeat=service == "dynamodb")) == []
    fleet.run_night(None)
    assert list(fleet.find_violations(may_repeat=False)) == []

"""The project at a glance: what is called amiss, and what stands where."""

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.rendering.html.overview import Bar, build_age_bars
from support.builders.facts import HOUR, ago, backup, broken, daily_runs, index, inventory, renamed, schedule
from support.builders.reports import BUILT_IN, EXEMPTION, bare, exempting, report

OLD = renamed(index(runs=daily_runs(3, 54 * HOUR)), "old")
WELL = renamed(index(), "well")


def shown(facts: Inventory, required: Policy = BUILT_IN) -> list[Bar]:
    """Return the rows of the ages."""
    told = report(facts, required)
    return list(build_age_bars(told.timelines, told).rows)


def test_the_worst_age_comes_first() -> None:
    """None at all, then one that is too old, then one that is not."""
    found = [(it.name, it.text, it.problem) for it in shown(inventory(WELL, OLD, bare("carts")))]
    assert found == [
        ("carts", "there is none", "missing"),
        ("old", "2d 6h of 1d 6h", "too old"),
        ("well", "6h of 1d 6h", ""),
    ]


def test_what_need_not_be_there_yet_stands_below_what_should() -> None:
    """An index whose first run is not due has none, and nothing amiss."""
    young = renamed(index(schedules=[schedule(created_at=ago(HOUR))], runs=[]), "young")
    assert [(it.name, it.text, it.problem) for it in shown(inventory(young, OLD))] == [
        ("old", "2d 6h of 1d 6h", "too old"),
        ("young", "there is none", ""),
    ]


def test_only_what_is_open_is_called_amiss() -> None:
    """A newer point may stand in what was not read, and what was accepted is not called a fault."""
    doubted = inventory(OLD, WELL, backups=broken([*OLD.listed, *WELL.listed]))
    assert [(it.name, it.problem) for it in shown(doubted)] == [("old", ""), ("well", "")]
    accepted = exempting(EXEMPTION)
    (found,) = shown(inventory(bare("scratch-1")), accepted)
    assert (found.text, found.problem, found.length) == ("there is none", "", 0.0)


def test_what_is_not_known_stands_before_what_is_well() -> None:
    """It is not taken for better than that, and has no bar."""
    strange = renamed(index(runs=[], backups=[backup(None)]), "strange")
    found = shown(inventory(WELL, strange, OLD))
    assert [it.name for it in found] == ["old", "strange", "well"]
    assert (found[1].text, found[1].length, found[1].problem) == ("none is known", 0.0, "")

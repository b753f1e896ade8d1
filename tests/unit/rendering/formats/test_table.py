"""The report for a person at a terminal."""

from dataclasses import replace

import pytest

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.table import render_table
from support.approval import Approve
from support.builders.audit_sequence_report import told
from support.builders.facts import BROKEN, broken, index, inventory, renamed
from support.builders.reports import EXEMPTION, bare, exempting, finding, report


def table(shown: Report, width: int = 100) -> str:
    """Render a report without colours."""
    return "\n".join(render_table(shown, width=width))


def showing(*findings: Finding) -> str:
    """Render a report of these findings alone."""
    return table(replace(report(), compliance=Compliance.NON_COMPLIANT, findings=findings))


def test_the_verdict_comes_first() -> None:
    """The first line of a report says in words how the whole stands."""
    assert table(report()).startswith("COMPLIANT: default: Everything is as the policy requires, on 1 index.\n")


def test_the_first_line_counts_the_indexes_in_trouble() -> None:
    """With something non-compliant, the verdict says on how many of how many indexes."""
    shown = report(inventory(bare("orders"), renamed(index(), "other")))
    assert table(shown).startswith("NON COMPLIANT: default: 1 of 2 indexes is not as the policy requires.\n")


def test_what_cannot_be_restored_at_all_comes_before_what_is_late() -> None:
    """However many more are late: there, something is left to restore."""
    late = [
        finding(control="recovery-point-is-recent", severity=Severity.CRITICAL, remediation=f"mend {it}", name=it)
        for it in ("orders", "stock")
    ]
    none = finding(
        control="index-has-recovery-point", severity=Severity.CRITICAL, remediation="mend users", name="users"
    )
    assert "  first  mend users" in showing(*late, none)


def test_a_deleted_index_is_named_by_its_id_too() -> None:
    """Another index, live or deleted, may have had its name."""
    gone = finding(resource=Resource(ResourceType.DELETED_INDEX, "default", "orders", "id-1"))
    assert "orders, deleted (id-1)" in showing(gone)
    assert showing(gone).startswith("NON COMPLIANT: default: 1 deleted index is not as the policy requires.\n")
    assert "1 of 1 index is not as the policy requires." in showing(gone, finding())


@pytest.mark.parametrize("number,told", [(1, "1 requirement of"), (2, "2 requirements of")])
def test_what_is_wrong_with_the_project_alone_says_so(number: int, told: str) -> None:
    """Where no index is in trouble."""
    project = Resource(ResourceType.PROJECT, "default", "default")
    shown = showing(*[finding(resource=project)] * number)
    be = "is" if number == 1 else "are"
    assert f"{told} the policy on the project as a whole {be} not met." in shown


@pytest.mark.parametrize("unknown,told", [(0, ""), (1, "; 1 verdict could not be given")])
def test_that_not_all_was_read_is_no_fault_that_was_found(unknown: int, told: str) -> None:
    """Where that alone is open, nobody is to think that something is wrong with an index."""
    project = Resource(ResourceType.PROJECT, "default", "default")
    lacking = finding(compliance=Compliance.INSUFFICIENT_DATA)
    shown = showing(finding(control="inventory-is-complete", resource=project), *[lacking] * unknown)
    assert f"NON COMPLIANT: default: Nothing was found wrong in what could be read{told}." in shown


def test_a_project_without_indexes_says_so() -> None:
    """An empty project is audited, and the verdict says that there is nothing to back up."""
    assert "The project has no indexes: there is nothing to back up." in table(report(inventory()))


def test_an_incomplete_audit_says_so_at_once() -> None:
    """What could not be read is announced beside the verdict, and listed at the end."""
    lines = table(report(inventory(index(), backups=broken()))).splitlines()
    assert "The audit is incomplete: 1 fact could not be read." in " ".join(lines[:2])
    assert lines[-2:] == ["COULD NOT BE READ (1)", f"  {BROKEN.call}: {BROKEN.error}"]


def test_the_worst_comes_before_the_rest() -> None:
    """Findings stand by severity, whatever their control is called."""
    shown = showing(
        finding(control="a-low", severity=Severity.LOW),
        finding(control="b-critical", severity=Severity.CRITICAL),
        finding(control="c-medium", severity=Severity.MEDIUM),
    )
    assert shown.index("b-critical") < shown.index("c-medium") < shown.index("a-low")


def test_a_finding_has_its_next_step() -> None:
    """Under every finding stands what to do next."""
    shown = table(report(inventory(bare("orders"))))
    assert "orders  It has no backup schedule at all.\n  next: Create a schedule for orders" in shown


def test_few_findings_are_all_shown() -> None:
    """A hundred open findings are shown one by one."""
    shown = showing(*(finding(name=f"index-{number}") for number in range(100)))
    assert "index-99" in shown
    assert "more;" not in shown


def test_many_findings_are_folded() -> None:
    """More than a hundred are folded, with their number and how to see all of them."""
    shown = showing(*(finding(name=f"index-{number:03}") for number in range(101)))
    assert "index-has-schedule (101)" in shown
    assert "and 96 more; all: backup-auditor audit --format json" in shown
    assert "index-099" not in shown


def test_what_is_folded_is_shown_by_a_command() -> None:
    """The one that was asked for, on lines that keep to the width."""
    many = replace(report(), findings=tuple(finding(name=f"index-{number:03}") for number in range(101)))
    asked = "backup-auditor audit --policy strict.yaml --project a-project-with-a-name --format json"
    lines = list(render_table(many, width=60, full_command=asked))
    assert f"and 96 more; all: {asked}" in " ".join(it.strip() for it in lines)
    assert max(map(len, lines)) <= 60


def test_the_first_step_follows_the_verdict() -> None:
    """About the worst; where nothing is wrong, about what is not known; where all is well there is none."""
    lines = table(report(inventory(bare("orders")))).splitlines()
    assert lines[1].startswith("  first  Take a backup of orders now: ")
    unknown = finding(compliance=Compliance.INSUFFICIENT_DATA, reason="Its age is not told.")
    assert "  first  Find out why orders could not be judged: Its age is not told." in showing(unknown)
    assert "first" not in table(report())


def test_a_step_that_names_nothing_is_told_what_it_is_about() -> None:
    """Whatever a control says is to be done."""
    assert "  first  orders: Create a schedule." in showing(finding())


def test_a_huge_project_stays_readable() -> None:
    """Two thousand indexes with the same trouble take no more lines than six."""
    few = showing(*(finding(name=f"index-{number}") for number in range(101)))
    many = showing(*(finding(name=f"index-{number}") for number in range(2000)))
    assert len(many.splitlines()) == len(few.splitlines())


def test_what_is_not_known_is_never_silent() -> None:
    """Verdicts that could not be given have a section of their own, put together by what was not read."""
    shown = table(report(inventory(index(schedules=broken()))))
    assert "NOT KNOWN (" in shown
    assert "main, " in shown


def test_an_exempted_finding_is_told_with_its_owner() -> None:
    """What was accepted is listed apart, with who accepted it and until when."""
    shown = table(report(inventory(bare("scratch-1")), exempting(EXEMPTION)))
    assert "until 2027-03-31, search-team: rebuilt nightly" in shown
    assert "next:" not in shown


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    """No line is wider than the terminal."""
    shown = table(report(inventory(bare("orders"), renamed(index(schedules=broken()), "other"))), width)
    assert max(map(len, shown.splitlines())) <= width


def test_a_long_word_is_broken() -> None:
    """A path that is wider than the terminal is broken after a slash, and none of it is lost."""
    path = "GET /indexes/" + "x" * 80
    lines = list(render_table(replace(report(), findings=(finding(remediation=path),)), width=60))
    assert max(map(len, lines)) <= 60
    assert path.replace(" ", "") in "".join(it.strip() for it in lines).replace(" ", "")


def test_names_cannot_move_the_cursor() -> None:
    """Escapes, bells and line ends of a name or an error are written out, not sent to the terminal."""
    shown = showing(finding(name="or\x1b[2Jders\n\x07", reason="\u202egnirts"))
    assert "or\\x1b[2Jders\\n\\x07" in shown
    assert "\\u202egnirts" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_colours_are_asked_for() -> None:
    """Without colours there is no escape at all; with them the text is the same."""
    shown = report(inventory(bare("orders")))
    coloured = "\n".join(render_table(shown, is_colored=True))
    assert "\x1b" not in table(shown)
    assert "\x1b[1;31mNON COMPLIANT: \x1b[0m" in coloured


def test_it_stays_as_it_was_approved(approve: Approve) -> None:
    """As a terminal of 80 columns shows it, of a report in which everything happens."""
    approve("report.txt", ["\n".join(render_table(told(), width=80))])


def test_proposals_are_counted() -> None:
    """Where the policy wants to hear of any; what they are is shown elsewhere."""
    assert "proposals" not in table(report())
    told = table(replace(report(), proposals=()))
    assert "  proposals  0 actions would put something right; backup-auditor remediate shows which" in told


def test_counts_come_after_the_findings() -> None:
    """The counts stand below what they count."""
    shown = table(report(inventory(bare("orders"))))
    assert shown.index("next:") < shown.index("open      1 critical, 2 high, 0 medium, 0 low")
    assert "1 index, 0 schedules, 0 runs, 0 backups, 0 recovery points; in 0 requests" in shown

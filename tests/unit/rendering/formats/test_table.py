"""The report for a person at a terminal."""

from dataclasses import replace

import pytest

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.table import render_table
from support.builders.facts import (
    READ_FAILURE,
    build_drill_state,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_drill,
    rename_index,
)
from support.builders.reports import EXEMPTION, build_bare_index, build_exempting_policy, build_finding, build_report


def render_text(report: Report, width: int = 100) -> str:
    """Render a report without colors."""
    return "\n".join(render_table(report, width=width))


def render_findings(*findings: Finding) -> str:
    """Render a report of these findings alone."""
    return render_text(replace(build_report(), compliance=Compliance.NON_COMPLIANT, findings=findings))


def test_the_verdict_comes_first() -> None:
    """The first line of a report is its verdict in words."""
    assert render_text(build_report()).startswith("Compliant: default: No violations on 1 index.\n")


def test_the_first_line_counts_the_indexes_in_trouble() -> None:
    """With something non-compliant, the verdict says on how many of how many indexes."""
    report = build_report(build_inventory(build_bare_index("orders"), rename_index(build_index(), "other")))
    assert render_text(report).startswith("Non-compliant: default: 1 of 2 indexes violates the policy.\n")


def test_what_cannot_be_restored_at_all_comes_before_what_is_late() -> None:
    """However many more are late: there, something is left to restore."""
    late_findings = [
        build_finding(control="recovery-point-is-recent", severity=Severity.CRITICAL, remediation=f"mend {it}", name=it)
        for it in ("orders", "stock")
    ]
    none = build_finding(
        control="index-has-recovery-point", severity=Severity.CRITICAL, remediation="mend users", name="users"
    )
    assert "  first  mend users" in render_findings(*late_findings, none)


def test_a_deleted_index_is_named_by_its_id_too() -> None:
    """Another index, live or deleted, may have had its name."""
    orphaned_finding = build_finding(resource=Resource(ResourceType.DELETED_INDEX, "default", "orders", "id-1"))
    assert "orders, deleted (id-1)" in render_findings(orphaned_finding)
    assert render_findings(orphaned_finding).startswith(
        "Non-compliant: default: 1 deleted index violates the policy.\n"
    )
    assert "1 of 1 index violates the policy." in render_findings(orphaned_finding, build_finding())


@pytest.mark.parametrize("number,expected_text", [(1, "1 requirement"), (2, "2 requirements")])
def test_what_is_wrong_with_the_project_alone_says_so(number: int, expected_text: str) -> None:
    """Where no index is in trouble."""
    project = Resource(ResourceType.PROJECT, "default", "default")
    rendered_text = render_findings(*[build_finding(resource=project)] * number)
    assert f"The project violates {expected_text} of the policy." in rendered_text


@pytest.mark.parametrize("unknown_count,expected_text", [(0, ""), (1, "; 1 check could not be evaluated")])
def test_read_errors_are_no_violations(unknown_count: int, expected_text: str) -> None:
    """A report with only read errors does not say that an index violates the policy."""
    project = Resource(ResourceType.PROJECT, "default", "default")
    unknown_finding = build_finding(compliance=Compliance.INSUFFICIENT_DATA)
    rendered_text = render_findings(
        build_finding(control="inventory-is-complete", resource=project), *[unknown_finding] * unknown_count
    )
    assert f"Non-compliant: default: No violations found in what could be read{expected_text}." in rendered_text


def test_a_project_without_indexes_says_so() -> None:
    """An empty project is audited, and the verdict says that there is nothing to back up."""
    assert "The project has no indexes: there is nothing to back up." in render_text(build_report(build_inventory()))


def test_an_incomplete_audit_says_so_at_once() -> None:
    """What could not be read is announced beside the verdict, and listed at the end."""
    lines = render_text(build_report(build_inventory(build_index(), backups=build_failed_listing()))).splitlines()
    assert "The audit is incomplete: 1 read error." in " ".join(lines[:2])
    assert lines[-2:] == ["READ ERRORS (1)", f"  {READ_FAILURE.call}: {READ_FAILURE.error}"]


def test_the_worst_comes_before_the_rest() -> None:
    """Findings are ordered by severity before their control."""
    rendered_text = render_findings(
        build_finding(control="a-low", severity=Severity.LOW),
        build_finding(control="b-critical", severity=Severity.CRITICAL),
        build_finding(control="c-medium", severity=Severity.MEDIUM),
    )
    assert rendered_text.index("b-critical") < rendered_text.index("c-medium") < rendered_text.index("a-low")


def test_a_finding_has_its_next_step() -> None:
    """Every finding is followed by its next step."""
    rendered_text = render_text(build_report(build_inventory(build_bare_index("orders"))))
    assert "orders  The index has no backup schedule.\n  next: Create a schedule for orders" in rendered_text


def test_few_findings_are_all_shown() -> None:
    """A hundred open findings are shown one by one."""
    rendered_text = render_findings(*(build_finding(name=f"index-{number}") for number in range(100)))
    assert "index-99" in rendered_text
    assert "more;" not in rendered_text


def test_many_findings_are_folded() -> None:
    """More than a hundred are folded, with their number and how to see all of them."""
    rendered_text = render_findings(*(build_finding(name=f"index-{number:03}") for number in range(101)))
    assert "index-has-schedule (101)" in rendered_text
    assert "and 96 more; all: backup-auditor audit --format json" in rendered_text
    assert "index-099" not in rendered_text


def test_what_is_folded_is_shown_by_a_command() -> None:
    """A folded list names the given command, on lines within the width."""
    large_report = replace(
        build_report(), findings=tuple(build_finding(name=f"index-{number:03}") for number in range(101))
    )
    command = "backup-auditor audit --policy strict.yaml --project a-project-with-a-name --format json"
    lines = list(render_table(large_report, width=60, full_command=command))
    assert f"and 96 more; all: {command}" in " ".join(it.strip() for it in lines)
    assert max(map(len, lines)) <= 60


def test_the_first_step_follows_the_verdict() -> None:
    """About the worst; where nothing is wrong, about what is not known; where all is well there is none."""
    lines = render_text(build_report(build_inventory(build_bare_index("orders")))).splitlines()
    assert lines[1].startswith("  first  Take a backup of orders now, ")
    unknown_finding = build_finding(compliance=Compliance.INSUFFICIENT_DATA, reason="Its age is unknown.")
    assert "  first  Find out why orders could not be evaluated: Its age is unknown." in render_findings(
        unknown_finding
    )
    assert "first" not in render_text(build_report())


def test_a_step_without_a_name_begins_with_its_resource() -> None:
    """Whatever a control says is to be done."""
    assert "  first  orders: Create a schedule." in render_findings(build_finding())


def test_a_huge_project_stays_readable() -> None:
    """Two thousand indexes with the same trouble take no more lines than six."""
    short_text = render_findings(*(build_finding(name=f"index-{number}") for number in range(101)))
    large_text = render_findings(*(build_finding(name=f"index-{number}") for number in range(2000)))
    assert len(large_text.splitlines()) == len(short_text.splitlines())


def test_what_is_not_known_is_never_silent() -> None:
    """Verdicts that could not be given have a section of their own, put together by what was not read."""
    rendered_text = render_text(build_report(build_inventory(build_index(schedules=build_failed_listing()))))
    assert "UNKNOWN (" in rendered_text
    assert "main, " in rendered_text


def test_an_exempted_finding_is_reported_with_its_owner() -> None:
    """What was accepted is listed apart, with who accepted it and until when."""
    rendered_text = render_text(
        build_report(build_inventory(build_bare_index("scratch-1")), build_exempting_policy(EXEMPTION))
    )
    assert "until 2027-03-31, search-team: rebuilt nightly" in rendered_text
    assert "next:" not in rendered_text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    """No line is wider than the terminal."""
    rendered_text = render_text(
        build_report(
            build_inventory(
                build_bare_index("orders"), rename_index(build_index(schedules=build_failed_listing()), "other")
            )
        ),
        width,
    )
    assert max(map(len, rendered_text.splitlines())) <= width


def test_a_long_word_is_broken() -> None:
    """A path that is wider than the terminal is broken after a slash, and none of it is lost."""
    path = "GET /indexes/" + "x" * 80
    lines = list(render_table(replace(build_report(), findings=(build_finding(remediation=path),)), width=60))
    assert max(map(len, lines)) <= 60
    assert path.replace(" ", "") in "".join(it.strip() for it in lines).replace(" ", "")


def test_names_cannot_move_the_cursor() -> None:
    """Escapes, bells and line ends of a name or an error are written out, not sent to the terminal."""
    rendered_text = render_findings(build_finding(name="or\x1b[2Jders\n\x07", reason="\u202egnirts"))
    assert "or\\x1b[2Jders\\n\\x07" in rendered_text
    assert "\\u202egnirts" in rendered_text
    assert not {"\x1b", "\x07", "\u202e"} & set(rendered_text)


def test_colors_are_optional() -> None:
    """Without colors there is no escape at all; with them the text is the same."""
    report = build_report(build_inventory(build_bare_index("orders")))
    colored_text = "\n".join(render_table(report, is_colored=True))
    assert "\x1b" not in render_text(report)
    assert "\x1b[1;31mNon-compliant: \x1b[0m" in colored_text


def test_proposals_are_counted() -> None:
    """Where the policy wants to hear of any; what they are is shown elsewhere."""
    assert "proposals" not in render_text(build_report())
    table_text = render_text(replace(build_report(), proposals=()))
    assert "  proposals  0 actions would correct the project; backup-auditor remediate shows them" in table_text


def test_counts_come_after_the_findings() -> None:
    """The counts follow the findings."""
    rendered_text = render_text(build_report(build_inventory(build_bare_index("orders"))))
    assert rendered_text.index("next:") < rendered_text.index("open      1 critical, 2 high, 0 medium, 0 low")
    assert "1 index, 0 schedules, 0 runs, 0 backups, 0 recovery points; in 0 requests" in rendered_text


def test_restore_drills_are_shown_only_if_there_are_some() -> None:
    """Each index has a row that fits the width, and the rows of many indexes are folded."""
    assert "RESTORE DRILLS" not in render_text(build_report())
    names = [f"index-{number}" for number in range(10)]
    drills = (build_known_drill(drill_id=it, index_id=f"id-{it}", index_name=it, backup_id="b" * 36) for it in names)
    inventory = build_inventory(*(rename_index(build_index(), it) for it in names))
    lines = render_text(build_report(inventory, state=build_drill_state(*drills)), width=80).splitlines()
    section = lines[lines.index("RESTORE DRILLS (10)") :]
    assert section[1:3] == [
        f"  index-0  proven 1d ago, backup {'b' * 36}; restored",
        "           in 10m",
    ]
    assert "  and 5 more; all: backup-auditor audit --format json" in section
    assert max(map(len, section)) <= 80

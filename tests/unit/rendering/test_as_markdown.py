"""The report as Markdown."""

from dataclasses import replace

from backup_auditor.domain.finding import Compliance, Resource, ResourceType
from backup_auditor.domain.report import Report
from backup_auditor.rendering.as_markdown import render_markdown
from builders import BROKEN, broken, index, inventory
from reports import EXEMPTION, bare, exempting, finding, report


def markdown(shown: Report) -> str:
    """Render a report."""
    return "\n".join(render_markdown(shown))


def test_the_verdict_stands_under_the_title() -> None:
    """The title names the project, the first paragraph gives the verdict."""
    assert markdown(report()).startswith(
        "# Backup audit of default\n\n**COMPLIANT**: Everything is as the policy requires"
    )


def test_findings_are_rows_with_their_next_step() -> None:
    """A control that failed has a table of its resources, and the next step below."""
    shown = markdown(report(inventory(bare("orders"))))
    assert "## High: index-has-schedule (1)" in shown
    assert "| `orders` | index-has-schedule | It has no backup schedule at all. |" in shown
    assert "Next: Create a schedule for orders" in shown


def test_nothing_in_a_name_is_markup() -> None:
    """Bars, backticks, tags and links of a name or reason neither end a cell nor become markup."""
    strange = finding(name="a|b`c", reason="<script> [x](http://y) | *bold*\nnext")
    shown = markdown(replace(report(), findings=(strange,)))
    assert "| ``a\\|b`c`` | index-has-schedule |" in shown
    assert "\\<script\\> \\[x\\]\\(http://y\\) \\| \\*bold\\*\\\\nnext |" in shown


def test_what_is_unread_is_listed() -> None:
    """Calls that failed are listed with their error."""
    shown = markdown(report(inventory(index(), backups=broken())))
    assert f"- `{BROKEN.what}`: {BROKEN.error}" in shown
    assert "**The audit is incomplete: 1 fact could not be read.**" in shown


def test_an_exempted_finding_says_who_accepted_it() -> None:
    """Exempted findings have a section of their own, with owner, reason and expiry."""
    shown = markdown(report(inventory(bare("scratch-1")), exempting(EXEMPTION)))
    assert "## Exempted (3)" in shown
    assert "Accepted until 2027\\-03\\-31 by search\\-team: rebuilt nightly" in shown


def test_long_tables_are_folded() -> None:
    """Fifty rows are shown, of the rest the number."""
    shown = markdown(replace(report(), findings=tuple(finding(name=f"i{number}") for number in range(51))))
    assert "And 1 more; `--format json` shows all." in shown
    assert "`i50`" not in shown


def test_a_deleted_index_is_named_by_its_id_too() -> None:
    """Another index may have had its name."""
    gone = finding(resource=Resource(ResourceType.DELETED_INDEX, "default", "orders", "id-1"))
    shown = "\n".join(render_markdown(replace(report(), compliance=Compliance.NON_COMPLIANT, findings=(gone,))))
    assert "| `orders`, deleted (`id-1`) | index-has-schedule |" in shown

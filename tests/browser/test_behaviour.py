"""The page in a browser: it renders, sends no request, and runs only its own script."""

from playwright.sync_api import Browser, expect

from support.browser import OpenPage, open_page
from support.pages import ReportPage

INJECT_SCRIPT = """() => {
  const finding = document.querySelector(".finding");
  const refused = [];
  for (const inject of [
    () => finding.setAttribute("onclick", "document.title = 'ran'"),
    () => { finding.innerHTML = "<img src=x onerror=alert(1)>"; },
    () => { document.createElement("script").textContent = "document.title = 'ran'"; },
  ]) {
    try { inject(); } catch (error) { refused.push(error.name); }
  }
  const picture = document.createElement("img");
  picture.src = "http://127.0.0.1:9/picture.png";
  document.body.append(picture);
  finding.setAttribute("style", "color: red");
  finding.click();
  return refused;
}"""


def test_it_is_quiet_and_asks_for_nothing(opened_page: OpenPage) -> None:
    """No word in the console, no error, no dialog, and no request but for the file itself."""
    opened_page.page.wait_for_load_state("networkidle")
    assert (opened_page.messages, opened_page.requested_urls) == ([], [])
    assert opened_page.page.locator("script").count() == 1


def test_its_policy_holds(neglected_page: ReportPage, browser: Browser) -> None:
    """Handlers, markup and scripts made of text are refused, and neither picture nor style is taken from elsewhere."""
    with open_page(browser, neglected_page.page) as opened_page:
        assert opened_page.page.evaluate(INJECT_SCRIPT) == ["TypeError"] * 3
        opened_page.page.wait_for_timeout(200)
        assert opened_page.page.title() == "Backup audit"
        policy_errors = [it for it in opened_page.messages if "Content Security Policy" in it]
        assert any("img-src data:" in it for it in policy_errors)
        assert any("style" in it for it in policy_errors)


def test_a_filter_leaves_what_fits(report_page: ReportPage, browser: Browser) -> None:
    """For each choice of each filter, the findings that are seen are those of the JSON that fit it."""
    with open_page(browser, report_page.page) as opened_page:
        if not report_page.shown_findings:
            assert not opened_page.page.locator(".filters").is_visible()
            return
        for name in ("severity", "control", "state"):
            _check_filter(name, report_page, opened_page)


def _check_filter(name: str, report_page: ReportPage, opened_page: OpenPage) -> None:
    select = opened_page.page.locator(f".filters [name={name}]")
    choices = select.locator("option").evaluate_all("found => found.map(it => it.value).filter(it => it)")
    known_values = {_get_fact(it, name) for it in report_page.shown_findings.values()}
    assert known_values <= set(choices)
    for choice in choices:
        select.select_option(choice)
        matching_anchors = {
            anchor for anchor, it in report_page.shown_findings.items() if _get_fact(it, name) == choice
        }
        _expect_shown(opened_page, matching_anchors, len(report_page.shown_findings))
    opened_page.page.get_by_role("button", name="Show all").click()
    _expect_shown(opened_page, set(report_page.shown_findings), len(report_page.shown_findings))


def test_the_filter_by_index_looks_for_a_part_of_the_name(neglected_page: ReportPage, browser: Browser) -> None:
    """Without regard to case, in findings and in pictures; with another filter, both have to fit."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.get_by_role("searchbox").fill("IMAGE")
        named_anchors = {key for key, it in neglected_page.shown_findings.items() if "image" in it["resource"]["name"]}
        _expect_shown(opened_page, named_anchors, len(neglected_page.shown_findings))
        assert len(opened_page.find_visible_ids(".index")) == sum("image" in it for it in _list_names(neglected_page))
        opened_page.page.get_by_label("Severity").select_option("critical")
        matching_anchors = {
            key for key in named_anchors if neglected_page.shown_findings[key]["severity"] == "critical"
        }
        _expect_shown(opened_page, matching_anchors, len(neglected_page.shown_findings))


def _list_names(page: ReportPage) -> list[str]:
    return [it["resource"]["name"] for it in page.document["timelines"]]


def _get_fact(finding: dict[str, str], name: str) -> str:
    if name != "state":
        return finding[name]
    if finding["exemption"]:
        return "exempted"
    return "unknown" if finding["compliance"] == "INSUFFICIENT_DATA" else finding["lifecycle"] or "open"


def _expect_shown(opened_page: OpenPage, anchors: set[str], total: int) -> None:
    expect(opened_page.page.locator(".shown")).to_have_text(f"{len(anchors)} of {total} findings shown")
    assert opened_page.find_visible_ids() == anchors


def test_a_fragment_opens_its_finding(neglected_page: ReportPage, browser: Browser) -> None:
    """The last finding, which is closed at first, is open and in sight where the address names it."""
    anchor = list(neglected_page.shown_findings)[-1]
    with open_page(browser, neglected_page.page, fragment=f"#{anchor}") as opened_page:
        expect(opened_page.page.locator(f"#{anchor}")).to_be_in_viewport()
        assert opened_page.page.locator(f"#{anchor} .figures").is_visible()


def test_a_fragment_shows_what_a_filter_hides(neglected_page: ReportPage, browser: Browser) -> None:
    """A link from an index to a finding that is filtered away takes the filter off."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.get_by_label("Severity").select_option("low")
        link = opened_page.page.locator(".index .open a", has_text="critical").first
        anchor = link.get_attribute("href")
        link.click()
        expect(opened_page.page.locator(f"{anchor}")).to_be_in_viewport()
        expect(opened_page.page.locator(".shown")).to_have_text(
            f"{len(neglected_page.shown_findings)} of {len(neglected_page.shown_findings)} findings shown"
        )


def test_a_keyboard_is_enough(neglected_page: ReportPage, browser: Browser) -> None:
    """The first stop leads past everything to the report, and a finding opens by a key."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.keyboard.press("Tab")
        assert opened_page.page.evaluate("document.activeElement.textContent") == "Skip to the report"
        closed_finding = opened_page.page.locator("details.finding:not([open])").first
        anchor = closed_finding.get_attribute("id")
        closed_finding.locator("summary").focus()
        opened_page.page.keyboard.press("Enter")
        assert opened_page.page.locator(f"#{anchor}[open]").count() == 1


def test_a_command_is_copied(neglected_page: ReportPage, browser: Browser) -> None:
    """The button copies the command beside it."""
    with open_page(browser, neglected_page.page, permissions=["clipboard-read", "clipboard-write"]) as opened_page:
        opened_page.page.locator(".copy").first.click()
        expect(opened_page.page.locator(".copy").first).to_have_text("Copied")
        copied_text = opened_page.page.evaluate("navigator.clipboard.readText()")
        assert copied_text == opened_page.page.locator(".command code").first.text_content()


def test_without_its_script_everything_is_there(neglected_page: ReportPage, browser: Browser) -> None:
    """Only the filters and the buttons are missing."""
    with open_page(browser, neglected_page.page, java_script_enabled=False) as opened_page:
        assert opened_page.page.locator(".finding").count() == len(neglected_page.shown_findings)
        assert not opened_page.page.locator(".filters").is_visible()
        assert not opened_page.page.locator(".copy").first.is_visible()

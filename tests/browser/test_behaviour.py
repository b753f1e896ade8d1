"""What a page does in a browser: it shows itself, asks for nothing, and runs nothing but its own script."""

import pytest
from playwright.sync_api import Browser, expect

from support.browser import Opened, opened
from support.pages import Written

INJECT = """() => {
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


def test_it_is_quiet_and_asks_for_nothing(written: Written, browser: Browser) -> None:
    """No word in the console, no error, no dialog, and no request but for the file itself."""
    with opened(browser, written.page) as found:
        found.page.wait_for_load_state("networkidle")
        assert (found.said, found.asked) == ([], [])
        assert found.page.locator("script").count() == 1


def test_its_policy_holds(neglected: Written, browser: Browser) -> None:
    """Handlers, markup and scripts made of text are refused, and neither picture nor style is taken from elsewhere."""
    with opened(browser, neglected.page) as found:
        assert found.page.evaluate(INJECT) == ["TypeError"] * 3
        found.page.wait_for_timeout(200)
        assert found.page.title() == "Backup audit"
        refused = [it for it in found.said if "Content Security Policy" in it]
        assert any("img-src data:" in it for it in refused)
        assert any("style" in it for it in refused)


@pytest.mark.parametrize("name", ["severity", "control", "state"])
def test_a_filter_leaves_what_fits(name: str, written: Written, browser: Browser) -> None:
    """For each choice there is, the findings that are seen are those of the JSON that fit it."""
    with opened(browser, written.page) as found:
        if not written.shown:
            assert not found.page.locator(".filters").is_visible()
            return
        select = found.page.locator(f".filters [name={name}]")
        choices = select.locator("option").evaluate_all("found => found.map(it => it.value).filter(it => it)")
        known = {_fact(it, name) for it in written.shown.values()}
        assert known <= set(choices)
        for choice in choices:
            select.select_option(choice)
            fitting = {anchor for anchor, it in written.shown.items() if _fact(it, name) == choice}
            _expect(found, fitting, len(written.shown))
        found.page.get_by_role("button", name="Show all").click()
        _expect(found, set(written.shown), len(written.shown))


def test_the_filter_by_index_looks_for_a_part_of_the_name(neglected: Written, browser: Browser) -> None:
    """Without regard to case, in findings and in pictures; with another filter, both have to fit."""
    with opened(browser, neglected.page) as found:
        found.page.get_by_role("searchbox").fill("IMAGE")
        named = {key for key, it in neglected.shown.items() if "image" in it["resource"]["name"]}
        _expect(found, named, len(neglected.shown))
        assert len(found.visible(".index")) == sum("image" in it for it in _names(neglected))
        found.page.get_by_label("Severity").select_option("critical")
        both = {key for key in named if neglected.shown[key]["severity"] == "critical"}
        _expect(found, both, len(neglected.shown))


def _names(written: Written) -> list[str]:
    return [it["resource"]["name"] for it in written.json["timelines"]]


def _fact(finding: dict[str, str], name: str) -> str:
    if name != "state":
        return finding[name]
    if finding["exemption"]:
        return "exempted"
    return "not-known" if finding["compliance"] == "INSUFFICIENT_DATA" else finding["lifecycle"] or "open"


def _expect(found: Opened, anchors: set[str], total: int) -> None:
    expect(found.page.locator(".shown")).to_have_text(f"{len(anchors)} of {total} findings shown")
    assert found.visible() == anchors


def test_a_fragment_opens_its_finding(neglected: Written, browser: Browser) -> None:
    """The last finding, which is closed at first, is open and in sight where the address names it."""
    anchor = list(neglected.shown)[-1]
    with opened(browser, neglected.page, fragment=f"#{anchor}") as found:
        expect(found.page.locator(f"#{anchor}")).to_be_in_viewport()
        assert found.page.locator(f"#{anchor} .figures").is_visible()


def test_a_fragment_shows_what_a_filter_hides(neglected: Written, browser: Browser) -> None:
    """A link from an index to a finding that is filtered away takes the filter off."""
    with opened(browser, neglected.page) as found:
        found.page.get_by_label("Severity").select_option("low")
        link = found.page.locator(".index .open a", has_text="critical").first
        anchor = link.get_attribute("href")
        link.click()
        expect(found.page.locator(f"{anchor}")).to_be_in_viewport()
        expect(found.page.locator(".shown")).to_have_text(
            f"{len(neglected.shown)} of {len(neglected.shown)} findings shown"
        )


def test_a_keyboard_is_enough(neglected: Written, browser: Browser) -> None:
    """The first stop leads past everything to the report, and a finding opens by a key."""
    with opened(browser, neglected.page) as found:
        found.page.keyboard.press("Tab")
        assert found.page.evaluate("document.activeElement.textContent") == "To the report"
        closed = found.page.locator("details.finding:not([open])").first
        anchor = closed.get_attribute("id")
        closed.locator("summary").focus()
        found.page.keyboard.press("Enter")
        assert found.page.locator(f"#{anchor}[open]").count() == 1


def test_a_command_is_copied(neglected: Written, browser: Browser) -> None:
    """The button copies the command that stands beside it."""
    with opened(browser, neglected.page, permissions=["clipboard-read", "clipboard-write"]) as found:
        found.page.locator(".copy").first.click()
        expect(found.page.locator(".copy").first).to_have_text("Copied")
        copied = found.page.evaluate("navigator.clipboard.readText()")
        assert copied == found.page.locator(".command code").first.text_content()


def test_without_its_script_everything_is_there(neglected: Written, browser: Browser) -> None:
    """Only the filters and the buttons are missing."""
    with opened(browser, neglected.page, java_script_enabled=False) as found:
        assert found.page.locator(".finding").count() == len(neglected.shown)
        assert not found.page.locator(".filters").is_visible()
        assert not found.page.locator(".copy").first.is_visible()

"""How a listing is read page by page, and when the read is incomplete."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from backup_auditor.adapters.pinecone.reader import build_page_target, read_pages
from backup_auditor.adapters.pinecone.rows import RawRows
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.model import Backup
from backup_auditor.domain.text import quote_segment
from backup_auditor.errors import (
    NotFoundError,
    OrganizationPlanError,
    PineconeError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from support.builders.facts import build_backup

CALL = "GET /backups"


def build_page(ids: str, token: str | None = None, fault: str | None = None) -> RawRows[Backup]:
    """Build a page with one backup per letter."""
    return RawRows([build_backup(backup_id=it) for it in ids], token, fault)


def read_listing(answers: Sequence[RawRows[Backup] | PineconeError], **options: Any) -> ListingRead[Backup]:
    """Read pages in their order; every page must be requested exactly once."""
    remaining_answers = list(answers)

    def fetch_page(_token: str | None) -> RawRows[Backup]:
        response = remaining_answers.pop(0)
        if isinstance(response, PineconeError):
            raise response
        return response

    listing_read = read_pages(CALL, fetch_page, **options)
    assert remaining_answers == []
    return listing_read


def list_ids(listing_read: ListingRead[Backup]) -> str:
    """Return the ids of the rows in order."""
    return "".join(sorted(it.backup_id for it in listing_read.rows))


@pytest.mark.parametrize(
    "pages, expected",
    [
        pytest.param([build_page("")], "", id="empty"),
        pytest.param([build_page("ab")], "ab", id="one-page"),
        pytest.param([build_page("ab", "1"), build_page("cd", "2"), build_page("")], "abcd", id="empty-last-page"),
        pytest.param([build_page("ab", "1"), build_page("bc")], "abc", id="row-repeated"),
        pytest.param([build_page("aab")], "ab", id="row-twice-on-a-page"),
        pytest.param([build_page("a", "1"), build_page("", "2"), build_page("b")], "ab", id="empty-page-in-between"),
        pytest.param([build_page("", "1"), build_page("a")], "a", id="empty-first-page"),
    ],
)
def test_a_complete_read_has_every_row_once(pages: list[RawRows[Backup]], expected: str) -> None:
    """A page without a token is the last one."""
    listing_read = read_listing(pages)
    assert (list_ids(listing_read), listing_read.failure) == (expected, None)


@pytest.mark.parametrize(
    "pages, expected",
    [
        pytest.param([build_page("a", "1"), build_page("b", "1")], "ab", id="same-token"),
        pytest.param([build_page("a", "1"), build_page("b", "2"), build_page("c", "1")], "abc", id="loop"),
        pytest.param([build_page("a", "1"), build_page("a", "2"), build_page("a", "3")], "a", id="nothing-new-twice"),
        pytest.param([build_page("", "1"), build_page("", "2")], "", id="always-empty"),
    ],
)
def test_a_read_of_repeating_pages_ends_as_incomplete(pages: list[RawRows[Backup]], expected: str) -> None:
    """Repeated tokens, or pages without new rows, end the read."""
    listing_read = read_listing(pages)
    assert list_ids(listing_read) == expected
    assert listing_read.failure == ReadFailure(CALL, "the pages repeat")


def test_a_read_has_a_page_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that always sends new rows and tokens is read up to the limit."""
    monkeypatch.setattr("backup_auditor.adapters.pinecone.reader.MAX_PAGES", 3)
    page_numbers = iter(range(1000))

    def fetch_page(_token: str | None) -> RawRows[Backup]:
        number = next(page_numbers)
        return RawRows([build_backup(backup_id=str(number))], str(number))

    listing_read = read_pages(CALL, fetch_page)
    assert listing_read.failure is not None
    assert 3 <= len(listing_read.rows) <= 5


def test_an_incomplete_read_keeps_its_rows() -> None:
    """The rows of the first pages are kept, and the failure names the call."""
    listing_read = read_listing([build_page("ab", "1"), UnavailableError("503: gone")])
    assert list_ids(listing_read) == "ab"
    assert listing_read.failure == ReadFailure(CALL, "503: gone")


def test_a_partly_parsed_page_makes_the_read_incomplete() -> None:
    """The other rows and the other pages are read nevertheless."""
    listing_read = read_listing([build_page("a", "1", "1 of 2 rows cannot be parsed"), build_page("b")])
    assert list_ids(listing_read) == "ab"
    assert listing_read.failure == ReadFailure(CALL, "1 of 2 rows cannot be parsed")


@pytest.mark.parametrize("error", [NotFoundError, OrganizationPlanError, UnsupportedError])
def test_final_errors_of_the_first_page_are_raised(error: type[PineconeError]) -> None:
    """The error of the first page is about the listing itself."""
    with pytest.raises(error):
        read_listing([error("no")], final_errors=(NotFoundError, OrganizationPlanError, UnsupportedError))


@pytest.mark.parametrize("error", [OrganizationPlanError, UnsupportedError])
def test_a_refusal_of_a_later_page_is_about_the_token(error: type[PineconeError]) -> None:
    """A 400 on the second page does not concern the index: the read is incomplete."""
    listing_read = read_listing(
        [build_page("a", "1"), error("400: bad token")], final_errors=(OrganizationPlanError, UnsupportedError)
    )
    assert listing_read.failure == ReadFailure(CALL, "400: bad token")


def test_a_404_on_any_page_is_raised() -> None:
    """A deleted index or schedule has no listing."""
    with pytest.raises(NotFoundError):
        read_listing([build_page("a", "1"), NotFoundError("404")], final_errors=(NotFoundError,))


def test_other_errors_on_the_first_page_make_the_read_incomplete() -> None:
    """A read can fail before the first row."""
    assert read_listing([ThrottledError("429: slow down")]) == ListingRead((), ReadFailure(CALL, "429: slow down"))


def test_each_page_is_counted_as_progress() -> None:
    """An empty page counts, too."""
    page_counts: list[int] = []
    count: Callable[[], None] = lambda: page_counts.append(1)  # noqa: E731  as short as it gets
    read_listing([build_page("a", "1"), build_page("b", "2"), build_page("")], on_page=count)
    assert len(page_counts) == 3


def test_only_the_first_page_has_a_size() -> None:
    """With a token, a size skips or repeats rows; a token may contain any character."""
    assert build_page_target("/backups", None) == b"/backups?limit=100"
    assert build_page_target("/backups", "a=b&c/d ü") == b"/backups?paginationToken=a%3Db%26c%2Fd%20%C3%BC"


@pytest.mark.parametrize(
    "name, segment",
    [
        ("orders", "orders"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a?b#c", "a%3Fb%23c"),
        ("ü", "%C3%BC"),
    ],
)
def test_a_name_stays_one_segment_of_a_path(name: str, segment: str) -> None:
    """No name leads to another call."""
    assert quote_segment(name) == segment

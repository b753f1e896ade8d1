"""How a listing is walked, and when a walk can no longer be trusted."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from backup_auditor.adapters.pinecone.pagination import Page, build_page_target, read_pages
from backup_auditor.domain.inventory import map_rows_by_id
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


def build_page(ids: str, token: str | None = None, fault: str | None = None) -> Page[Backup]:
    """Build a page with a backup for each letter."""
    return Page([build_backup(backup_id=it) for it in ids], token, fault)


def read_listing(answers: Sequence[Page[Backup] | PineconeError], **options: Any) -> ListingRead[Backup]:
    """Walk over pages in their order; there must be none that is not asked for, and none too few."""
    remaining_answers = list(answers)

    def fetch_page(_token: str | None) -> Page[Backup]:
        response = remaining_answers.pop(0)
        if isinstance(response, PineconeError):
            raise response
        return response

    listing_read = read_pages(CALL, fetch_page, map_rows_by_id, **options)
    assert remaining_answers == []
    return listing_read


def list_ids(listing_read: ListingRead[Backup]) -> str:
    """Return the letters that were found, in order."""
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
def test_a_read_comes_to_its_end(pages: list[Page[Backup]], expected: str) -> None:
    """A page without a token is the last one, and every row is there once."""
    listing_read = read_listing(pages)
    assert (list_ids(listing_read), listing_read.failure) == (expected, None)


@pytest.mark.parametrize(
    "pages, expected",
    [
        pytest.param([build_page("a", "1"), build_page("b", "1")], "ab", id="same-token"),
        pytest.param([build_page("a", "1"), build_page("b", "2"), build_page("c", "1")], "abc", id="loop"),
        pytest.param([build_page("a", "1"), build_page("a", "2"), build_page("a", "3")], "a", id="nothing-new-twice"),
        pytest.param([build_page("", "1"), build_page("", "2")], "", id="empty-for-ever"),
    ],
)
def test_a_read_in_circles_ends_as_incomplete(pages: list[Page[Backup]], expected: str) -> None:
    """Tokens that repeat, or pages that bring nothing new, never end by themselves."""
    listing_read = read_listing(pages)
    assert list_ids(listing_read) == expected
    assert listing_read.failure == ReadFailure(CALL, "the pages repeat")


def test_a_read_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that makes up new rows and tokens for ever is left after so many pages."""
    monkeypatch.setattr("backup_auditor.adapters.pinecone.pagination.MAX_PAGES", 3)
    page_numbers = iter(range(1000))

    def fetch_page(_token: str | None) -> Page[Backup]:
        number = next(page_numbers)
        return Page([build_backup(backup_id=str(number))], str(number))

    listing_read = read_pages(CALL, fetch_page, map_rows_by_id)
    assert listing_read.failure is not None
    assert 3 <= len(listing_read.rows) <= 5


def test_what_was_seen_before_it_broke_off_is_kept() -> None:
    """The rows of the first pages stand, and the reason names the call."""
    listing_read = read_listing([build_page("ab", "1"), UnavailableError("503: gone")])
    assert list_ids(listing_read) == "ab"
    assert listing_read.failure == ReadFailure(CALL, "503: gone")


def test_a_page_understood_in_part_breaks_the_read_but_not_its_rows() -> None:
    """The other rows, and the other pages, are read all the same."""
    listing_read = read_listing([build_page("a", "1", "1 of 2 rows cannot be parsed"), build_page("b")])
    assert list_ids(listing_read) == "ab"
    assert listing_read.failure == ReadFailure(CALL, "1 of 2 rows cannot be parsed")


@pytest.mark.parametrize("error", [NotFoundError, OrganizationPlanError, UnsupportedError])
def test_answers_that_are_final_are_raised(error: type[PineconeError]) -> None:
    """What the first page is answered by is an answer about the listing itself."""
    with pytest.raises(error):
        read_listing([error("no")], final_errors=(NotFoundError, OrganizationPlanError, UnsupportedError))


@pytest.mark.parametrize("error", [OrganizationPlanError, UnsupportedError])
def test_a_refusal_further_on_is_about_the_token(error: type[PineconeError]) -> None:
    """A 400 on the second page says nothing of the index: the walk broke off."""
    listing_read = read_listing(
        [build_page("a", "1"), error("400: bad token")], final_errors=(OrganizationPlanError, UnsupportedError)
    )
    assert listing_read.failure == ReadFailure(CALL, "400: bad token")


def test_a_listing_that_goes_away_between_pages_is_gone() -> None:
    """A 404 means the same on any page."""
    with pytest.raises(NotFoundError):
        read_listing([build_page("a", "1"), NotFoundError("404")], final_errors=(NotFoundError,))


def test_what_is_not_final_breaks_the_first_page_too() -> None:
    """A walk can break off before it began."""
    assert read_listing([ThrottledError("429: slow down")]) == ListingRead((), ReadFailure(CALL, "429: slow down"))


def test_each_page_is_reported() -> None:
    """Progress counts pages, the empty one included."""
    page_counts: list[int] = []
    count: Callable[[], None] = lambda: page_counts.append(1)  # noqa: E731  as short as it gets
    read_listing([build_page("a", "1"), build_page("b", "2"), build_page("")], on_page=count)
    assert len(page_counts) == 3


def test_the_size_is_asked_for_on_the_first_page_alone() -> None:
    """Beside a token a size skips or repeats rows, and a token may hold any character."""
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
    """No name leads to another call than the one that is meant."""
    assert quote_segment(name) == segment

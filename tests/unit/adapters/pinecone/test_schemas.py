"""How bodies are parsed: as a whole if they are valid, else row by row."""

import json
from typing import Any

import pytest

from backup_auditor.adapters.pinecone import rows as schemas
from backup_auditor.adapters.pinecone.rows import RawRows, parse_page, parse_row, parse_rows
from backup_auditor.errors import MalformedResponseError

ROW: Any = {
    "backup_id": "b-1",
    "source_index_id": "i-1",
    "source_index_name": "orders",
    "status": "Ready",
}


def encode_body(value: object) -> bytes:
    """Return a document as JSON."""
    return json.dumps(value).encode()


def parse_backups(value: object) -> RawRows[schemas.BackupRow]:
    """Parse a page of backups."""
    return parse_page(value if isinstance(value, bytes) else encode_body(value), schemas.BACKUP_PAGE, schemas.BACKUP)


@pytest.mark.parametrize(
    "response, token",
    [
        pytest.param({"data": [ROW]}, None, id="pagination-absent"),
        pytest.param({"data": [ROW], "pagination": None}, None, id="pagination-null"),
        pytest.param({"data": [ROW], "pagination": {}}, None, id="next-absent"),
        pytest.param({"data": [ROW], "pagination": {"next": None}}, None, id="next-null"),
        pytest.param({"data": [ROW], "pagination": {"next": ""}}, None, id="next-empty"),
        pytest.param({"data": [ROW], "pagination": {"next": "t"}, "more": 1}, "t", id="next-and-unknown-key"),
        pytest.param({"data": [ROW | {"made_up": [1, {}]}], "pagination": {"next": "t"}}, "t", id="unknown-field"),
    ],
)
def test_a_page_has_rows_and_the_next_token(response: dict[str, Any], token: str | None) -> None:
    """Unknown keys are ignored, and no token means the last page."""
    assert parse_backups(response) == RawRows([ROW], token)


@pytest.mark.parametrize("response", [{}, {"data": None}, {"data": []}, {"pagination": None}])
def test_a_page_may_be_empty_in_several_ways(response: dict[str, Any]) -> None:
    """An absent or null list is empty if the response has no other key."""
    assert parse_backups(response) == RawRows([])


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b'{"data": [', id="half"),
        pytest.param(b"\xff\xfe\x00", id="no-text"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b'{"message": "welcome"}', id="something-else"),
        pytest.param(b'{"error": {}, "data": null, "status": 1}'.replace(b'"data": null, ', b""), id="error-with-200"),
        pytest.param(b'{"data": {"a": 1}}', id="data-is-an-object"),
        pytest.param(b'{"data": "no"}', id="data-is-a-text"),
        pytest.param(b'{"data": null, "error": {"code": "UNKNOWN"}}', id="null-beside-an-error"),
        pytest.param(b'{"data": false}', id="data-is-false"),
        pytest.param(b'{"data": 0}', id="data-is-zero"),
        pytest.param(b'{"backups": []}', id="another-list"),
        pytest.param(b'{"indexes": []}', id="the-list-of-another-call"),
        pytest.param(b'{"pagination": {"next": "t"}, "items": []}', id="pagination-and-another-list"),
    ],
)
def test_an_invalid_page_is_not_an_empty_page(response: bytes) -> None:
    """A response that cannot be parsed is an error."""
    with pytest.raises(MalformedResponseError):
        parse_backups(response)


@pytest.mark.parametrize(
    "response, names",
    [
        pytest.param({"error": {}, "status": 1}, 'other keys: "error", "status"', id="error"),
        pytest.param({"a": 1, "b": 2, "c": 3, "d": 4}, 'other keys: "a", "b", "c"', id="at-most-three"),
        pytest.param({"k" * 50: 1}, f'other keys: "{"k" * 40}"', id="long-key"),
        pytest.param({"a\n\u001bb": 1}, 'other keys: "a b"', id="control-characters"),
        pytest.param({"data": {}}, "another type", id="no-list"),
    ],
)
def test_the_error_names_the_missing_list_and_the_existing_keys(response: dict[str, Any], names: str) -> None:
    """The error has the key of the list and up to three other keys."""
    with pytest.raises(MalformedResponseError) as error_info:
        parse_backups(response)
    assert str(error_info.value) == f'the response has no list under the key "data", but {names}'


@pytest.mark.parametrize("response", [b'{"data": []}', b'{"indexes": null, "error": {}}', b'{"status": 200}'])
def test_a_response_without_indexes_is_not_an_empty_project(response: bytes) -> None:
    """A response with unknown keys instead of the list is an error."""
    with pytest.raises(MalformedResponseError, match='no list under the key "indexes", but other keys'):
        parse_rows(response, "indexes", schemas.INDEX)


@pytest.mark.parametrize("response", [{"data": [], "foo": 1}, {"data": [], "error": None, "pagination": None}])
def test_unknown_keys_beside_an_empty_list_are_ignored(response: dict[str, Any]) -> None:
    """The service adds new keys over time."""
    assert parse_backups(response) == RawRows([])


def test_a_page_with_only_a_token_is_empty() -> None:
    """Another page follows it."""
    assert parse_backups({"pagination": {"next": "t"}}) == RawRows([], "t")


@pytest.mark.parametrize("field", ["backup_id", "source_index_id", "source_index_name", "status"])
@pytest.mark.parametrize("value", [None, 7, {}, "absent"], ids=["null", "number", "object", "absent"])
def test_a_row_without_a_required_field_is_a_fault(field: str, value: object) -> None:
    """The other rows are kept, and the fault has the number of invalid rows and the reason."""
    bad_row = {key: it for key, it in ROW.items() if key != field} | ({} if value == "absent" else {field: value})
    raw_rows = parse_backups({"data": [ROW, bad_row], "pagination": {"next": "t"}})
    assert raw_rows == RawRows([ROW], "t", f"1 of 2 rows cannot be parsed: its {field} cannot be parsed")


def test_a_row_that_is_not_an_object_is_a_fault() -> None:
    """The other rows are kept."""
    assert parse_backups({"data": ["x", ROW]}).fault == "1 of 2 rows cannot be parsed: it is not an object"


@pytest.mark.parametrize("value", [{}, "many", [1], 1.5], ids=["object", "text", "list", "fraction"])
def test_an_invalid_optional_field_is_unknown(value: object) -> None:
    """The row is kept without the field."""
    raw_rows = parse_backups({"data": [ROW | {"record_count": value, "name": "kept"}]})
    assert raw_rows == RawRows([ROW | {"name": "kept"}])


def test_an_invalid_token_is_a_fault() -> None:
    """A token that is not a text is not the end of the listing."""
    raw_rows = parse_backups({"data": [ROW], "pagination": {"next": 7}})
    assert raw_rows.rows == [ROW]
    assert raw_rows.fault == "the token of the next page cannot be parsed"


@pytest.mark.parametrize(
    "response, names",
    [
        pytest.param({"indexes": [{"name": "a"}, {"name": "b", "spec": 7}]}, ["a", "b"], id="two"),
        pytest.param({"indexes": None}, [], id="null"),
        pytest.param({}, [], id="absent"),
    ],
)
def test_indexes_have_their_own_key(response: dict[str, Any], names: list[str]) -> None:
    """A project without indexes may have no such key."""
    raw_rows = parse_rows(encode_body(response), "indexes", schemas.INDEX)
    assert ([it["name"] for it in raw_rows.rows], raw_rows.fault) == (names, None)


def test_an_index_without_a_name_is_a_fault() -> None:
    """The index exists and cannot be audited."""
    raw_rows = parse_rows(encode_body({"indexes": [{"name": "a"}, {"dimension": 3}]}), "indexes", schemas.INDEX)
    assert len(raw_rows.rows) == 1
    assert raw_rows.fault == "1 of 2 rows cannot be parsed: its name cannot be parsed"


def test_a_single_row_must_be_valid() -> None:
    """A response that is one row is parsed like a row of a listing."""
    assert parse_row(encode_body(ROW), schemas.BACKUP) == ROW
    with pytest.raises(MalformedResponseError, match="its status cannot be parsed"):
        parse_row(encode_body({key: it for key, it in ROW.items() if key != "status"}), schemas.BACKUP)


def test_a_row_with_half_a_character_is_a_fault() -> None:
    """JSON allows half a surrogate pair, which can be neither requested nor stored."""
    raw_rows = parse_rows(b'{"indexes": [{"name": "a\\ud800"}, {"name": "b"}]}', "indexes", schemas.INDEX)
    assert ([row["name"] for row in raw_rows.rows], raw_rows.fault) == (
        ["b"],
        "1 of 2 rows cannot be parsed: it contains half a character",
    )


def test_a_token_with_half_a_character_is_a_fault() -> None:
    """The read ends and is incomplete."""
    raw_rows = parse_backups(b'{"data": [], "pagination": {"next": "\\udfff"}}')
    assert raw_rows == RawRows([], None, "the token of the next page cannot be parsed")

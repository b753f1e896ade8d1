"""How bodies are read: whole where they are as expected, in pieces where they are not."""

import json
from typing import Any

import pytest

from backup_auditor.adapters.pinecone import schemas
from backup_auditor.adapters.pinecone.schemas import RawRows, parse_page, parse_row, parse_rows
from backup_auditor.errors import MalformedResponseError

ROW: Any = {
    "backup_id": "b-1",
    "source_index_id": "i-1",
    "source_index_name": "orders",
    "status": "Ready",
}


def encode_body(value: object) -> bytes:
    """Write JSON."""
    return json.dumps(value).encode()


def parse_backups(value: object) -> RawRows[schemas.BackupRow]:
    """Read a page of backups."""
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
def test_a_page_tells_its_rows_and_where_the_next_one_is(response: dict[str, Any], token: str | None) -> None:
    """Keys that are not known are ignored, and an absent end is an end."""
    assert parse_backups(response) == RawRows([ROW], token)


@pytest.mark.parametrize("response", [{}, {"data": None}, {"data": []}, {"pagination": None}])
def test_a_page_may_be_empty_in_several_ways(response: dict[str, Any]) -> None:
    """An absent or null list is an empty one, as long as the answer speaks of nothing else."""
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
def test_what_is_no_page_is_not_taken_for_an_empty_one(response: bytes) -> None:
    """An answer that cannot be understood is never silence."""
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
def test_an_error_names_the_missing_list_and_what_stands_there_instead(response: dict[str, Any], names: str) -> None:
    """The error for an answer without its list names the key of the list and up to three other keys."""
    with pytest.raises(MalformedResponseError) as error_info:
        parse_backups(response)
    assert str(error_info.value) == f'the response has no list under the key "data", but {names}'


@pytest.mark.parametrize("response", [b'{"data": []}', b'{"indexes": null, "error": {}}', b'{"status": 200}'])
def test_an_answer_without_indexes_is_not_an_empty_project(response: bytes) -> None:
    """The list of indexes is not understood where the answer has unknown keys in its place."""
    with pytest.raises(MalformedResponseError, match='no list under the key "indexes", but other keys'):
        parse_rows(response, "indexes", schemas.INDEX)


@pytest.mark.parametrize("response", [{"data": [], "foo": 1}, {"data": [], "error": None, "pagination": None}])
def test_an_empty_list_stands_beside_unknown_keys(response: dict[str, Any]) -> None:
    """Unknown keys beside an empty list are ignored: new keys appear over time."""
    assert parse_backups(response) == RawRows([])


def test_a_lone_pagination_leads_to_the_next_page() -> None:
    """A page without a list and with a token is an empty page that another one follows."""
    assert parse_backups({"pagination": {"next": "t"}}) == RawRows([], "t")


@pytest.mark.parametrize("field", ["backup_id", "source_index_id", "source_index_name", "status"])
@pytest.mark.parametrize("value", [None, 7, {}, "absent"], ids=["null", "number", "object", "absent"])
def test_a_row_without_what_is_always_there_is_a_fault_and_the_others_are_kept(field: str, value: object) -> None:
    """The rows beside it stand, and the fault says how many are hidden and why."""
    bad_row = {key: it for key, it in ROW.items() if key != field} | ({} if value == "absent" else {field: value})
    raw_rows = parse_backups({"data": [ROW, bad_row], "pagination": {"next": "t"}})
    assert raw_rows == RawRows([ROW], "t", f"1 of 2 rows cannot be parsed: its {field} cannot be parsed")


def test_a_row_that_is_no_object_is_a_fault() -> None:
    """A list of anything else is survived."""
    assert parse_backups({"data": ["x", ROW]}).fault == "1 of 2 rows cannot be parsed: it is not an object"


@pytest.mark.parametrize("value", [{}, "many", [1], 1.5], ids=["object", "text", "list", "fraction"])
def test_an_optional_field_that_cannot_be_understood_is_not_known(value: object) -> None:
    """The row stands without it."""
    raw_rows = parse_backups({"data": [ROW | {"record_count": value, "name": "kept"}]})
    assert raw_rows == RawRows([ROW | {"name": "kept"}])


def test_a_next_page_that_cannot_be_named_hides_rows() -> None:
    """A token that is no text is a fault, not an end."""
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
def test_indexes_are_read_under_their_own_key(response: dict[str, Any], names: list[str]) -> None:
    """A project without an index may leave the key out."""
    raw_rows = parse_rows(encode_body(response), "indexes", schemas.INDEX)
    assert ([it["name"] for it in raw_rows.rows], raw_rows.fault) == (names, None)


def test_an_index_without_a_name_is_a_fault() -> None:
    """It is there, and cannot be audited."""
    raw_rows = parse_rows(encode_body({"indexes": [{"name": "a"}, {"dimension": 3}]}), "indexes", schemas.INDEX)
    assert len(raw_rows.rows) == 1
    assert raw_rows.fault == "1 of 2 rows cannot be parsed: its name cannot be parsed"


def test_one_row_alone_must_be_understood() -> None:
    """What is created or described is read like a row, or not at all."""
    assert parse_row(encode_body(ROW), schemas.BACKUP) == ROW
    with pytest.raises(MalformedResponseError, match="its status cannot be parsed"):
        parse_row(encode_body({key: it for key, it in ROW.items() if key != "status"}), schemas.BACKUP)


def test_a_row_that_holds_half_a_character_is_not_understood() -> None:
    """JSON can spell halves of characters, which can neither be asked for nor written down."""
    raw_rows = parse_rows(b'{"indexes": [{"name": "a\\ud800"}, {"name": "b"}]}', "indexes", schemas.INDEX)
    assert ([row["name"] for row in raw_rows.rows], raw_rows.fault) == (
        ["b"],
        "1 of 2 rows cannot be parsed: it contains half a character",
    )


def test_where_the_next_page_is_cannot_be_spelt_in_half_characters() -> None:
    """The walk then ends, and is not whole."""
    raw_rows = parse_backups(b'{"data": [], "pagination": {"next": "\\udfff"}}')
    assert raw_rows == RawRows([], None, "the token of the next page cannot be parsed")

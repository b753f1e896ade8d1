"""Reads bodies into shapes: whole where they are as expected, piece by piece where they are not."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from backup_auditor.adapters.pinecone.shapes import RawPage
from backup_auditor.errors import NotUnderstoodError

_NOT_JSON = "the answer is not JSON"


class RawRows[Row](NamedTuple):
    """The rows of one answer that could be understood."""

    rows: list[Row]
    token: str | None = None
    fault: str | None = None
    """What could not be understood, and hides rows or whether there are more."""


def read_page[Row](body: bytes, page: TypeAdapter[RawPage[Row]], row: TypeAdapter[Row]) -> RawRows[Row]:
    """Read a page of a listing. Raises `NotUnderstoodError` when it is none."""
    try:
        found = page.validate_json(body)
    except ValidationError:
        return _read_page_in_pieces(body, row)
    pagination = found.get("pagination")
    return RawRows(found["data"] or [], (pagination.get("next") or None) if pagination else None)


def read_rows[Row](body: bytes, key: str, row: TypeAdapter[Row]) -> RawRows[Row]:
    """Read an answer that holds all rows under one key. Raises `NotUnderstoodError` when it does not."""
    return _rows_of(_object(body), key, row)


def read_one[Row](body: bytes, row: TypeAdapter[Row]) -> Row:
    """Read an answer that is one row. Raises `NotUnderstoodError` when it is none."""
    return _read_row(_object(body), row)


def _read_page_in_pieces[Row](body: bytes, row: TypeAdapter[Row]) -> RawRows[Row]:
    whole = _object(body)
    found = _rows_of(whole, "data", row)
    pagination = whole.get("pagination")
    token = pagination.get("next") if isinstance(pagination, dict) else pagination
    if token is None or token == "":
        return found
    if not isinstance(token, str) or not _is_text(token):
        return found._replace(fault=found.fault or "where the next page is cannot be understood")
    return found._replace(token=token)


def _object(body: bytes) -> dict[str, Any]:
    try:
        whole: Any = json.loads(body)
    except (ValueError, RecursionError):
        whole = _NOT_JSON
    if isinstance(whole, dict):
        return whole
    raise NotUnderstoodError(whole if whole is _NOT_JSON else "the answer is not a JSON object")


def _rows_of[Row](whole: dict[str, Any], key: str, row: TypeAdapter[Row]) -> RawRows[Row]:
    """Read the rows under a key. An empty object is an empty listing; one that speaks of other things is none."""
    listed = whole.get(key)
    if listed is None and (key in whole or not whole.keys() - {"pagination"}):
        return RawRows([])
    if not isinstance(listed, list):
        raise NotUnderstoodError(f"the answer holds no list called {key}")
    rows: list[Row] = []
    faults: list[str] = []
    for it in listed:
        try:
            rows.append(_read_row(it, row))
        except NotUnderstoodError as error:
            faults.append(str(error))
    fault = f"{len(faults)} of {len(listed)} rows cannot be understood: {min(faults)}" if faults else None
    return RawRows(rows, fault=fault)


def _read_row[Row](raw: Any, row: TypeAdapter[Row]) -> Row:  # noqa: ANN401  JSON
    """Read one row; a field that may be absent is left out where it cannot be understood: it is not known."""
    if not _is_text(raw):
        raise NotUnderstoodError("it holds half a character")
    try:
        return row.validate_python(raw)
    except ValidationError as error:
        faults = _faults(error)
    if isinstance(raw, dict):
        raw = {key: value for key, value in raw.items() if key not in faults}
    try:
        return row.validate_python(raw)
    except ValidationError as error:
        fault = f"its {min(_faults(error))} cannot be read" if isinstance(raw, dict) else "it is not an object"
    raise NotUnderstoodError(fault)


def _is_text(value: Any) -> bool:  # noqa: ANN401  JSON
    """Tell whether all texts in a value can be written down: JSON can spell halves of characters, which cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except RecursionError:
        pass  # what is nested so deeply is no field that is read
    return True


def _faults(error: ValidationError) -> Iterable[str]:
    return {str(it["loc"][0]) if it["loc"] else "" for it in error.errors(include_input=False, include_url=False)}

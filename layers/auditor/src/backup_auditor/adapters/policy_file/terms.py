"""The kinds of values that a policy file holds, as pydantic types that keep what the file says."""

import re
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

MOST = 36_500
"""Days in a hundred years: a moment less these is still a moment."""

_DURATION = r"^[0-9]{1,9}[mhd]$"
_POSITIVE_DURATION = r"^0*[1-9][0-9]*[mhd]$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `90m`, `26h` or `7d`. Raises `ValueError` when it is none, or above `MOST` days."""
    if not re.fullmatch(_DURATION, text, re.ASCII) or text.endswith("\n"):
        raise ValueError(text)
    length = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if length > timedelta(days=MOST):
        raise ValueError(text)
    return length


def parse_day(text: str) -> date:
    """Read a day such as `2027-03-31`. Raises `ValueError` when the text is none."""
    if not re.fullmatch(_DAY, text, re.ASCII) or text.endswith("\n"):
        raise ValueError(text)
    return date.fromisoformat(text)


def _duration(value: object) -> object:
    try:
        parse_duration(_text(value))
    except ValueError:
        raise PydanticCustomError("wanted", f"a duration such as 90m, 26h or 7d, of at most {MOST}d") from None
    return value


def _positive_duration(text: str) -> str:
    if not parse_duration(text):
        raise PydanticCustomError("wanted", "a duration above zero, such as 26h")
    return text


def _day(value: object) -> object:
    try:
        parse_day(_text(value))
    except ValueError:
        raise PydanticCustomError("wanted", "a day such as 2027-03-31") from None
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  for pydantic it is a value that does not fit
    return value


def _location(text: str) -> str:
    if "/" not in text and "*" not in text:
        raise PydanticCustomError("wanted", "a pattern of cloud/region, such as aws/eu-*")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("wanted", "a text that says something")
    return text


def _only_true(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("wanted", "true, or leave it out")
    return value


Duration = Annotated[str, BeforeValidator(_duration), Field(json_schema_extra={"pattern": _DURATION})]
PositiveDuration = Annotated[
    Duration, AfterValidator(_positive_duration), Field(json_schema_extra={"pattern": _POSITIVE_DURATION})
]
Day = Annotated[str, BeforeValidator(_day), Field(json_schema_extra={"pattern": _DAY, "format": "date"})]
Text = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
# The service accepts a longer one, and then every run fails.
ScheduleName = Annotated[str, Field(max_length=28, json_schema_extra={"pattern": r"\S"}), AfterValidator(_not_blank)]
Location = Annotated[Text, AfterValidator(_location), Field(json_schema_extra={"pattern": "[/*]"})]
OnlyTrue = Annotated[bool, AfterValidator(_only_true), Field(json_schema_extra={"const": True})]
Count = Annotated[int, Field(ge=0, le=MOST)]
Days = Annotated[int, Field(ge=1, le=MOST)]
Percent = Annotated[float, Field(ge=0, le=100)]
Texts = Annotated[list[Text], Field(min_length=1)]

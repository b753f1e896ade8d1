"""The checks of `doctor`: each passes, fails with a remedy, or is skipped with the reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

type CheckJson = dict[str, str | None]
"""A check as `doctor` prints it and as a function answers it."""


class CheckStatus(StrEnum):
    """The result of a check."""

    PASS = "pass"  # noqa: S105  a word, not a password
    FAIL = "fail"
    SKIPPED = "skipped"
    """It does not apply, it needs a check that failed, or only a change could show it."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    status: CheckStatus
    detail: str
    """What was found; of a failed check what is wrong, of a skipped one the reason."""
    remedy: str | None = None
    """What to do; `None` unless the check failed."""
    function: str | None = None
    """The function on AWS that made the check; `None` for the command itself."""

    @property
    def label(self) -> str:
        """The name with the function."""
        return self.name if self.function is None else f"{self.function}: {self.name}"


def pass_check(name: str, detail: str) -> Check:
    """Return a check that passed."""
    return Check(name, CheckStatus.PASS, detail)


def fail_check(name: str, detail: str, remedy: str) -> Check:
    """Return a check that failed."""
    return Check(name, CheckStatus.FAIL, detail, remedy)


def fail_by_message(name: str, message: object, fallback_remedy: str = "run doctor again") -> Check:
    """Return a check that failed with an error, whose text has the remedy after its first semicolon."""
    detail, _, remedy = str(message).partition("; ")
    return fail_check(name, detail, remedy or fallback_remedy)


def skip_check(name: str, reason: str) -> Check:
    """Return a check that was skipped."""
    return Check(name, CheckStatus.SKIPPED, reason)


def count_checks(checks: Iterable[Check], status: CheckStatus) -> int:
    """Return the number of checks with a status."""
    return sum(it.status is status for it in checks)


def build_check_json(check: Check) -> CheckJson:
    """Return a check as JSON, without its function, which the answer of a function names once."""
    return {"name": check.name, "status": check.status, "detail": check.detail, "remedy": check.remedy}


def parse_check(document: Mapping[str, Any]) -> Check:
    """Parse a check of an answer. Raises `ValueError`, `KeyError` and `TypeError`."""
    name, detail, remedy = document["name"], document["detail"], document["remedy"]
    if not isinstance(name, str) or not isinstance(detail, str) or not isinstance(remedy, str | None):
        raise TypeError("a check has a field that is not text")
    return Check(name, CheckStatus(document["status"]), detail, remedy)


@dataclass(frozen=True, slots=True)
class FunctionAnswer:
    """The answer of a function to `{"check": true}`."""

    code: str
    """The hash of its code."""
    checks: tuple[Check, ...]

    def to_json(self) -> dict[str, object]:
        """Return the answer as JSON."""
        return {"code": self.code, "checks": [build_check_json(it) for it in self.checks]}


def parse_answer(document: object, function: str) -> FunctionAnswer:
    """Parse the answer of a function. Raises `ValueError` if it is no such answer."""
    try:
        if not isinstance(document, Mapping) or not isinstance(document["code"], str) or not document["checks"]:
            raise ValueError("it has no code or no checks")
        checks = tuple(replace(parse_check(it), function=function) for it in document["checks"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not an answer to a check ({type(error).__name__})") from None
    return FunctionAnswer(document["code"], checks)

"""Reads what AWS answered out of an exception, without importing its SDK: a call that did not fail pays nothing."""

from collections.abc import Mapping
from typing import Any

from backup_auditor.domain.text import join_lines


def answer_of(error: BaseException) -> Mapping[str, Any]:
    """Return the answer that an exception tells of; empty where there was none, or where it is none of AWS's."""
    answer = getattr(error, "response", None)  # there, and None, where the connection failed
    return answer if isinstance(answer, Mapping) else {}


def code_of(error: BaseException) -> str:
    """Return the code of that answer; empty where there was none."""
    return str(answer_of(error).get("Error", {}).get("Code", ""))


def text_of(error: BaseException, longest: int = 300) -> str:
    """Return in one line what AWS said, or what its SDK says of a call that was not answered."""
    code = code_of(error)
    said = f"{code}: {answer_of(error)['Error'].get('Message', '')}" if code else str(error)
    return join_lines(said)[:longest].removesuffix(".")

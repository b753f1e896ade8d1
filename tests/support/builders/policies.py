"""Helpers for tests of policy files."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backup_auditor.adapters.policy_file.loader import load_policy
from backup_auditor.domain.policy import Policy
from backup_auditor.errors import PolicyError


def parse_policy(text: str | bytes) -> Policy:
    """Load the policy of a file with this content."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_policy(path)


def find_problems(text: str | bytes) -> list[str]:
    """Return every problem of a file with this content, as `LINE: text` or `: text`."""
    with pytest.raises(PolicyError) as error_info:
        parse_policy(text)
    return [it.split("policy.yaml", 1)[1].removeprefix(":") for it in error_info.value.problems]


def find_problem(text: str | bytes) -> str:
    """Return the only problem of a file with this content."""
    (problem,) = find_problems(text)
    return problem

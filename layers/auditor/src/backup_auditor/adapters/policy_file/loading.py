"""Loads a policy: from a file, or the one that holds where there is none."""

import hashlib

from pydantic import ValidationError

from backup_auditor.adapters.input_file import Source, read_bytes
from backup_auditor.adapters.policy_file.default_text import default_policy_text
from backup_auditor.adapters.policy_file.explaining import contradiction_problems, shape_problems
from backup_auditor.adapters.policy_file.shape import PolicyShape
from backup_auditor.adapters.policy_file.translation import policy_of
from backup_auditor.adapters.yaml_file.problems import Kind, Problem, RefusedError, visible
from backup_auditor.adapters.yaml_file.reading import decode
from backup_auditor.adapters.yaml_file.yaml12 import compose
from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.contradictions import contradictions
from backup_auditor.domain.naming import is_on_aws
from backup_auditor.domain.policy import Policy
from backup_auditor.errors import PolicyError

BUILT_IN = "built-in"
POLICY = Kind("policy", '"backup-auditor policy init" prints one to start from')


def load_policy(given: Source) -> Policy:
    """Return the policy in a file, a pipe, or standard input (`-`).

    Raises `PolicyError` with every problem of it, one line each.
    """
    source = visible(str(given))
    try:
        content = read_bytes(given, POLICY)
    except RefusedError as error:
        raise _policy_error(source, [error.problem]) from None
    return parse_policy(content, source)


def built_in_policy() -> Policy:
    """Return the policy that holds where no file says otherwise."""
    return parse_policy(default_policy_text().encode(), BUILT_IN)


def parse_policy(content: bytes, source: str) -> Policy:
    """Return the policy in a document that was read from `source`. Raises `PolicyError` as `load_policy` does."""
    try:
        root = compose(decode(content), POLICY)
    except RefusedError as error:
        raise _policy_error(source, [error.problem]) from None
    try:
        shape = PolicyShape.model_validate(root.plain)
    except ValidationError as error:
        raise _policy_error(source, shape_problems(error, root)) from None
    policy = policy_of(shape, source=source, sha256=hashlib.sha256(content).hexdigest())
    found = contradictions(policy, CATALOGUE)
    if found:
        raise _policy_error(source, contradiction_problems(found, root))
    return policy


def _policy_error(source: str, problems: list[Problem]) -> PolicyError:
    lines = (f"{source}:{it.line}: {it.text}" if it.line else f"{source}: {it.text}" for it in problems)
    return PolicyError(*lines, path="FILE" if is_on_aws(source) else source)

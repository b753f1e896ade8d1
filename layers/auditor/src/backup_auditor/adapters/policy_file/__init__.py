"""The policy that applies where no file is given. It needs none of the modules here, which read policy files."""

import hashlib
from importlib.resources import files

from backup_auditor.domain.policy import Policy

BUILT_IN_SOURCE = "built-in"


def read_default_policy() -> str:
    """Return the text of the default policy, with comments for people."""
    return files("backup_auditor.adapters.policy_file").joinpath("default-policy.yaml").read_text(encoding="utf-8")


def load_built_in_policy() -> Policy:
    """Return the default policy. Its values are the defaults of the domain, which the text repeats."""
    return Policy(source=BUILT_IN_SOURCE, sha256=hashlib.sha256(read_default_policy().encode()).hexdigest())

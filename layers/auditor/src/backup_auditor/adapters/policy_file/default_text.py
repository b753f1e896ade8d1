"""The policy that holds where no file says otherwise, as the text of a file."""

from importlib.resources import files


def default_policy_text() -> str:
    """Return it with comments for people."""
    return files("backup_auditor.adapters.policy_file").joinpath("default-policy.yaml").read_text(encoding="utf-8")

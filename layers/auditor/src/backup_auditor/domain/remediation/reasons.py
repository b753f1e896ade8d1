"""Why something is left out, in sentences that several kinds of action share."""

from backup_auditor.domain.facts import Index
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.text import quote_text

_READY = "ready"


def why_not_ready(index: Index) -> str | None:
    """Return why nothing is made of an index at this moment; `None` where it is ready."""
    if index.state is None:
        return "Pinecone does not say whether it is ready."
    return None if index.state.casefold() == _READY else f"It is not ready: Pinecone says {quote_text(index.state)}."


def is_being_deleted(index: Index) -> bool:
    """Tell whether an index is being deleted: the policy requires nothing of it any more."""
    return index.is_terminating


def left_out_by_exemption(finding: Finding) -> str | None:
    """Return the exemption by which a deviation is left as it is, if there is one."""
    it = finding.exemption
    return None if it is None else f"It is exempted until {it.expires} by {it.owner}: {it.reason}"


def withheld(key: str, mode: Mode) -> str | None:
    """Return that the policy wants no such action, where it does not."""
    return f"The policy says {key}: never." if mode is Mode.NEVER else None

"""A proposal as JSON: in reports, and in what is told of them."""

from backup_auditor.domain.proposal import Proposal
from backup_auditor.rendering.text import clipped

_LENGTH = 4000


def proposal_json(proposal: Proposal) -> dict[str, object]:
    """Return a proposal with the exact call."""
    return {
        "plan_id": proposal.plan_id,
        "kind": proposal.kind,
        "index": proposal.index,
        "mode": proposal.mode,
        "because": clipped(proposal.because, _LENGTH),
        "call": {"method": proposal.method, "path": proposal.path, "body": dict(proposal.body)},
    }

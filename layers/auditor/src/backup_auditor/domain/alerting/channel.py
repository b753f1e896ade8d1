"""Where alerts go to: the channels of a project, and the least severity that each of them wants to hear of."""

from dataclasses import dataclass
from enum import StrEnum

from backup_auditor.domain.finding import Severity


class ChannelKind(StrEnum):
    """What carries a message."""

    EVENTS = "events"
    SNS = "sns"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that is told of a project's audits."""

    kind: ChannelKind
    target: str
    """The ARN of a topic, or the secret that holds a webhook; empty for events, which have one bus."""
    severity: Severity = Severity.LOW
    """Findings below it are not told there."""
    tells_all_is_well: bool = False
    """Whether it hears once a week that there is nothing to tell."""

    @property
    def channel_id(self) -> str:
        """Return what tells it from the other channels of its project."""
        return f"{self.kind}:{self.target}" if self.target else str(self.kind)

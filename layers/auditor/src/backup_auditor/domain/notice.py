"""What a notice to a channel says: about the failure of a project's audits, or about the organization."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice says about what it names."""

    OPENED = "opened"
    REMINDER = "reminder"
    RESOLVED = "resolved"

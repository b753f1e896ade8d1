"""What a notice is about: the beginning of something, a reminder of it, or its end."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """The kinds of notice about a failure, or about the organization."""

    OPENED = "opened"
    REMINDER = "reminder"
    RESOLVED = "resolved"

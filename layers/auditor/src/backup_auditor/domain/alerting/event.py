"""The events that are put on the bus, by the names that rules know them by."""

from enum import StrEnum


class EventType(StrEnum):
    """What stands in the `detail-type` of an event, in the order in which an audit's are put."""

    AUDIT_COMPLETED = "Backup Audit Completed"
    FINDING_OPENED = "Backup Finding Opened"
    FINDING_REOPENED = "Backup Finding Reopened"
    FINDING_RESOLVED = "Backup Finding Resolved"

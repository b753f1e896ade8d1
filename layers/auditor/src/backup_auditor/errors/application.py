"""What is wrong with where audits are recorded, and with whoever is to be told of them."""

from backup_auditor.errors.base import BackupAuditorError


class EvidenceError(BackupAuditorError):
    """A report cannot be kept, or cannot be read."""


class EvidenceGoneError(EvidenceError):
    """A report is not where it was kept."""


class ReportAlteredError(EvidenceError):
    """A report is there, and is not the one that was kept."""


class SecretError(BackupAuditorError):
    """A secret is missing, empty, or not what it should be."""


class DeliveryError(BackupAuditorError):
    """A channel did not accept a message."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        """Take what happened, and how many seconds the channel asked to be left alone, if it did."""
        super().__init__(text)
        self.retry_after = retry_after


class ChannelRefusedError(DeliveryError):
    """A channel will not accept a message until somebody changes something."""


class AcceptanceUnknownError(DeliveryError):
    """A channel may have accepted a message: the answer was lost."""


class ConflictingRecordError(BackupAuditorError):
    """Another audit was recorded since the memory was loaded that this recording was made from."""

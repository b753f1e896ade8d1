"""What Pinecone answered, or did not."""

from backup_auditor.errors.base import BackupAuditorError


class PineconeError(BackupAuditorError):
    """Pinecone answered no, or did not answer."""


class BadKeyError(PineconeError):
    """The key is not accepted."""


class ForbiddenError(PineconeError):
    """The key may not do this."""


class PlanForbidsError(PineconeError):
    """The plan of the organization does not include this."""


class UnsupportedError(PineconeError):
    """The request, or the index it speaks of, is not one the service can serve."""


class NotFoundError(PineconeError):
    """What the call speaks of is not there."""


class ConflictError(PineconeError):
    """What the call asks for contradicts what is there."""


class QuotaError(PineconeError):
    """The project has no room for another one."""


class ThrottledError(PineconeError):
    """The service asked to be called less often, to the end."""


class UnavailableError(PineconeError):
    """The service did not answer, or answered that it cannot."""


class UnreachableError(UnavailableError):
    """The host cannot be resolved, reached or trusted."""


class DeadlineError(UnavailableError):
    """The time for the whole audit is over."""


class OutcomeUnknownError(UnavailableError):
    """A write may or may not have taken effect, and reading did not settle it."""


class NotUnderstoodError(PineconeError):
    """An answer has a shape that cannot be read."""

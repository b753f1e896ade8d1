"""Every error of the project.

BackupAuditorError
├── UsageError              the command line, a setting or a file is not what it should be
│   ├── SettingsError       the environment
│   ├── PolicyError         the policy file
│   ├── RegistryError       the list of projects
│   ├── DocumentError       a registry or a policy that cannot be fetched
│   ├── RequestError        an event, or the payload of a function
│   ├── RemediationPlanError  a plan of remediation
│   ├── InventoryFileError  a saved inventory
│   ├── ProjectMismatchError  a state that belongs to another Pinecone project
│   └── StateError          what remembers audits
│       └── FutureAuditError    the last recorded audit lies in the future of this machine's clock
├── EvidenceError           where reports are kept
│   ├── EvidenceMissingError  a report is not where it was kept
│   └── ReportAlteredError  a report is not what was kept
├── SecretError             a key or a webhook that is missing, empty, or not what it should be
├── DeliveryError           a channel did not accept a message
│   ├── ChannelRefusedError     and will not, until somebody changes something
│   └── AcceptanceUnknownError  or did, and the answer was lost
├── ConflictingRecordError  another audit was recorded meanwhile
└── PineconeError           an answer, or the lack of one
    ├── BadKeyError         401: the key is not accepted
    ├── ForbiddenError      403: the key may not do this; 402: nobody may until the bill is paid
    ├── OrganizationPlanError  403 that speaks of the plan: it does not include this
    ├── UnsupportedError    400 or 422: this index, or this request, is not one the service can serve
    ├── NotFoundError       404
    ├── ConflictError       409 or 412
    ├── QuotaError          403 or 429 that speaks of a quota: no room for another backup or schedule
    ├── ThrottledError      429 to the end
    ├── UnavailableError    no answer, or 408 and 5xx to the end
    │   ├── UnreachableError  the host cannot be resolved, reached or trusted
    │   ├── DeadlineError     the time for the whole audit is over
    │   └── OutcomeUnknownError  a write whose answer was lost and could not be settled by reading
    └── MalformedResponseError  an answer of a shape that cannot be read
"""

from shlex import quote


class BackupAuditorError(Exception):
    """Anything that this project raises on purpose. Its text is one line: what happened, to what, what to do next."""


class EvidenceError(BackupAuditorError):
    """A report cannot be kept, or cannot be read."""


class EvidenceMissingError(EvidenceError):
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


class PineconeError(BackupAuditorError):
    """Pinecone answered no, or did not answer."""


class BadKeyError(PineconeError):
    """The key is not accepted."""


class ForbiddenError(PineconeError):
    """The key may not do this."""


class OrganizationPlanError(PineconeError):
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


class MalformedResponseError(PineconeError):
    """An answer has a shape that cannot be read."""


class UsageError(BackupAuditorError):
    """What the user gave is not what it should be. Nothing was audited."""


class SettingsError(UsageError):
    """A setting of the environment is missing or wrong."""


class PolicyError(UsageError):
    """A policy cannot be read, is no policy, or contradicts itself. Its text is the first of its problems."""

    def __init__(self, *problems: str, path: str = "FILE") -> None:
        """Take every problem in the order of the file, one line each."""
        remaining_count = len(problems) - 1
        suffix = (
            f" (and {remaining_count} more: backup-auditor policy validate {path} lists them)"
            if remaining_count > 0
            else ""
        )
        super().__init__(f"{problems[0]}{suffix}")
        self.problems = problems


class RegistryError(UsageError):
    """A registry cannot be read, is none, or is wrong about the project in question. Its text is the first problem."""

    def __init__(self, *problems: str) -> None:
        """Take every problem, one line each."""
        super().__init__(problems[0])
        self.problems = problems


class DocumentError(UsageError):
    """A registry or a policy cannot be fetched from where AWS keeps it."""


class RequestError(UsageError):
    """An event or a payload does not have a shape that the function knows."""


class RemediationPlanError(UsageError):
    """A plan of remediation is not known, or not to be carried out: it is stale, or of another project or policy."""


class InventoryFileError(UsageError):
    """A saved inventory cannot be read."""


class ProjectMismatchError(UsageError):
    """A state belongs to another Pinecone project than the one that was read. Nothing was compared or recorded."""

    def __init__(self, project: str, recorded_id: str, found_id: str, remedy: str = "") -> None:
        """Take the name of the project, the id in its state, the id that was read, and what to do."""
        mismatch = (
            f"the state of {project} belongs to Pinecone project {recorded_id}, but Pinecone"
            f" project {found_id} was read"
        )
        super().__init__(f"{mismatch}; nothing was compared or recorded{remedy and '; '}{remedy}")
        self.project = project
        self.recorded_id = recorded_id
        self.found_id = found_id

    def with_remedy(self, remedy: str) -> "ProjectMismatchError":
        """Return the same error, and what to do about it."""
        return ProjectMismatchError(self.project, self.recorded_id, self.found_id, remedy)


class StateError(UsageError):
    """What is remembered of earlier audits cannot be read, or cannot be written."""


class FutureAuditError(StateError):
    """The last recorded audit lies in the future of this machine's clock, so that no audit is recorded any more."""

    def __init__(self, project: str, recorded_at: str, now: str, state_flag: str = "") -> None:
        """Take the name of the project, both moments, and the flag that names its state."""
        super().__init__(
            f"the last recorded audit of {project}, of {recorded_at}, lies in the future of this"
            f" machine's clock ({now});"
            " correct the clock if it is wrong, else discard that audit:"
            f" backup-auditor state discard --project {quote(project)}{state_flag}"
        )
        self._arguments = project, recorded_at, now

    def with_state_flag(self, flag: str, value: str) -> "FutureAuditError":
        """Return the same error with the flag that names the state."""
        return FutureAuditError(*self._arguments, f" {flag} {quote(value)}")

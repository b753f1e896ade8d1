"""Every error of the project.

BackupAuditorError
├── UsageError              the command line, a setting or a file is invalid; nothing was audited
│   ├── SettingsError         a setting of the environment is missing or invalid
│   ├── PolicyError           the policy is invalid
│   ├── RegistryError         the registry is invalid, or does not name the project
│   ├── DocumentError         a registry or a policy could not be fetched from AWS
│   ├── RequestError          an event or the payload of a function is invalid
│   ├── RemediationPlanError  a remediation plan is unknown, or may not be applied
│   ├── DrillPlanError        a restore drill may not start
│   ├── InventoryFileError    a saved inventory could not be read
│   ├── ProjectMismatchError  the state belongs to another Pinecone project
│   ├── EntryMismatchError    the registry entry names another Pinecone project
│   ├── StackError            the stack on AWS does not exist or could not be examined
│   └── StateError            the state could not be read or written
│       └── FutureAuditError    the last recorded audit is later than this machine's clock
├── EvidenceError           a report could not be stored or read
│   ├── EvidenceMissingError  a stored report is missing
│   ├── EvidenceRefusedError  a stored report may not be read, or is missing in a bucket that may not be listed
│   └── ReportAlteredError    a stored report has other bytes than when it was stored
├── SecretError             a key or a webhook is missing, empty or invalid
│   └── SecretUnavailableError  it could not be fetched now
├── DeliveryError           a channel did not accept a message
│   ├── ChannelRefusedError     it refuses the message until a person changes a setting
│   └── AcceptanceUnknownError  the response was lost, so it may have accepted the message
├── ConflictingRecordError  another audit was recorded since the state was loaded
├── IncompleteAuditError    an audit has read errors and is tried again instead of recorded
└── PineconeError           a call to Pinecone failed
    ├── BadKeyError           401: Pinecone does not accept the key
    ├── ForbiddenError        403: the key may not do this; 402: the bill has to be paid first
    ├── OrganizationPlanError 403 that names the plan: the plan does not include this
    ├── UnsupportedError      400 or 422: Pinecone cannot serve this request, or this index
    ├── NotFoundError         404
    ├── ConflictError         409, or one of its kinds
    │   └── PreconditionError   412: the resource is not in the state that the call needs
    ├── QuotaError            403 or 429 that names a quota: the project can hold no further backup or schedule
    ├── ThrottledError        429 to each attempt
    ├── UnavailableError      no response, 408 or 5xx to each attempt
    │   ├── UnreachableError    the host could not be resolved, reached or trusted
    │   │   └── UntrustedHostError  TLS with it failed, its certificate is not trusted, or the key may not be sent to it
    │   ├── DeadlineError       the time limit of the audit has passed
    │   └── OutcomeUnknownError the response to a write was lost, and reading did not show its result
    └── MalformedResponseError  the response could not be parsed
"""

from shlex import quote


class BackupAuditorError(Exception):
    """The base of every error of the project. Its text is one line: what failed, on what, and what to do."""


def describe_failure(error: Exception) -> str:
    """Return the text of an error; of another error than ours its type and line, because its text can hold secrets."""
    if isinstance(error, BackupAuditorError):
        return str(error)
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    location = f" in {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"internal error of backup-auditor ({type(error).__name__}{location}); report it as a defect"


class EvidenceError(BackupAuditorError):
    """A report could not be stored or read."""


class EvidenceMissingError(EvidenceError):
    """A stored report is missing."""


class EvidenceRefusedError(EvidenceError):
    """A stored report may not be read; without the right to list a bucket, S3 answers a missing one the same way."""


class ReportAlteredError(EvidenceError):
    """A stored report has other bytes than when it was stored."""


class SecretError(BackupAuditorError):
    """A key or a webhook is missing, empty or invalid."""


class SecretUnavailableError(SecretError):
    """A key or a webhook could not be fetched now. A retry can succeed."""


class DeliveryError(BackupAuditorError):
    """A channel did not accept a message."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        """Take the message, and the seconds that the channel asked to wait, if it did."""
        super().__init__(text)
        self.retry_after = retry_after


class ChannelRefusedError(DeliveryError):
    """A channel refuses a message until a person changes a setting. A retry does not help."""


class AcceptanceUnknownError(DeliveryError):
    """A channel may have accepted a message: the response was lost."""


class ConflictingRecordError(BackupAuditorError):
    """Another audit was recorded since the state was loaded that this record was made from."""


class IncompleteAuditError(BackupAuditorError):
    """An audit has read errors. It is not recorded, because another attempt can read more."""

    def __init__(self, project: str, read_errors: tuple[str, ...]) -> None:
        """Take the name of the project and its read errors, of which the text has the first."""
        count = "1 read error" if len(read_errors) == 1 else f"{len(read_errors):,} read errors"
        super().__init__(f"{project}: the audit has {count} and is tried again; the first is: {read_errors[0]}")


class PineconeError(BackupAuditorError):
    """A call to Pinecone failed."""


class BadKeyError(PineconeError):
    """Pinecone does not accept the key."""


class ForbiddenError(PineconeError):
    """The key may not make this call."""


class OrganizationPlanError(PineconeError):
    """The plan of the organization does not include this call."""


class UnsupportedError(PineconeError):
    """Pinecone cannot serve the request, or the index that it names."""


class NotFoundError(PineconeError):
    """The resource of the call does not exist."""


class ConflictError(PineconeError):
    """The call conflicts with what already exists."""


class PreconditionError(ConflictError):
    """The resource of the call is not in the state that the call needs."""


class QuotaError(PineconeError):
    """A quota of the project is used up."""


class ThrottledError(PineconeError):
    """Pinecone limited the rate of each attempt."""


class UnavailableError(PineconeError):
    """Pinecone did not respond, or responded that it is unavailable."""


class UnreachableError(UnavailableError):
    """The host could not be resolved, reached or trusted."""


class UntrustedHostError(UnreachableError):
    """The certificate or the name of the host is not trusted, or TLS with it failed. A retry does not help."""


class DeadlineError(UnavailableError):
    """The time limit of the audit has passed."""


class OutcomeUnknownError(UnavailableError):
    """The response to a write was lost, and reading did not show its result."""


class MalformedResponseError(PineconeError):
    """A response could not be parsed."""


class UsageError(BackupAuditorError):
    """The command line, a setting or a file is invalid. Nothing was audited."""


class SettingsError(UsageError):
    """A setting of the environment is missing or invalid."""


class PolicyError(UsageError):
    """A policy could not be read, or is invalid. Its text is the first of its problems."""

    def __init__(self, *problems: str, path: str = "FILE") -> None:
        """Take the problems, one line each, in the order of the file."""
        remaining_count = len(problems) - 1
        suffix = (
            f" (and {remaining_count} more: backup-auditor policy validate {path} lists them)"
            if remaining_count > 0
            else ""
        )
        super().__init__(f"{problems[0]}{suffix}")
        self.problems = problems


class RegistryError(UsageError):
    """A registry could not be read, or is invalid, or does not name a project. Its text is the first problem."""

    def __init__(self, *problems: str) -> None:
        """Take the problems, one line each."""
        super().__init__(problems[0])
        self.problems = problems


class DocumentError(UsageError):
    """A registry or a policy could not be fetched from AWS."""


class RequestError(UsageError):
    """An event or the payload of a function is invalid."""


class RemediationPlanError(UsageError):
    """A remediation plan is unknown, or may not be applied: it is stale, or of another project or policy."""


class DrillPlanError(UsageError):
    """A restore drill may not start. Nothing was created."""


class InventoryFileError(UsageError):
    """A saved inventory could not be read."""


class ProjectMismatchError(UsageError):
    """The state belongs to another Pinecone project than the one that was read. Nothing was compared or recorded."""

    def __init__(
        self, project: str, recorded_id: str, found_id: str, remedy: str = "", *, is_registered: bool = False
    ) -> None:
        """Take the name of the project, the id in its state, the id that was read, and what to do.

        With `is_registered`, the found id is that of the registry entry, because no schedule shows one.
        """
        found = f"its registry entry names {found_id}" if is_registered else f"Pinecone project {found_id} was read"
        mismatch = f"the state of {project} belongs to Pinecone project {recorded_id}, but {found}"
        super().__init__(_describe_mismatch(mismatch, remedy))
        self.project = project
        self.recorded_id = recorded_id
        self.found_id = found_id
        self._is_registered = is_registered

    def with_remedy(self, remedy: str) -> "ProjectMismatchError":
        """Return the same error with what to do."""
        return ProjectMismatchError(
            self.project, self.recorded_id, self.found_id, remedy, is_registered=self._is_registered
        )


class EntryMismatchError(UsageError):
    """The registry entry names another Pinecone project than the one that was read. Nothing was recorded."""

    def __init__(self, project: str, registered_id: str, found_id: str, key_place: str = "") -> None:
        """Take the name of the project, the id in its entry, the id that was read, and where its key is."""
        mismatch = f"the registry entry of {project} names Pinecone project {registered_id}, but {found_id} was read"
        remedy = f"store a key of {registered_id}{key_place and ' in '}{key_place}, or correct project_id of the entry"
        super().__init__(_describe_mismatch(mismatch, remedy))
        self._arguments = project, registered_id, found_id

    def with_key_place(self, key_place: str) -> "EntryMismatchError":
        """Return the same error with the variable or the secret of the key."""
        return EntryMismatchError(*self._arguments, key_place)


def _describe_mismatch(mismatch: str, remedy: str) -> str:
    return f"{mismatch}; nothing was compared or recorded{remedy and '; '}{remedy}"


class StackError(UsageError):
    """The stack on AWS does not exist, or a part of it could not be examined."""


class StateError(UsageError):
    """The state could not be read or written."""


class FutureAuditError(StateError):
    """The last recorded audit is later than this machine's clock, so no audit can be recorded."""

    def __init__(self, project: str, recorded_at: str, now: str, state_flag: str = "") -> None:
        """Take the name of the project, both times, and the option that names its state."""
        super().__init__(
            f"the last recorded audit of {project}, of {recorded_at}, is in the future of this"
            f" machine's clock ({now});"
            " correct the clock if it is wrong, else discard that audit:"
            f" backup-auditor state discard --project {quote(project)}{state_flag}"
        )
        self._arguments = project, recorded_at, now

    def with_state_flag(self, flag: str, value: str) -> "FutureAuditError":
        """Return the same error with the option that names the state."""
        return FutureAuditError(*self._arguments, f" {flag} {quote(value)}")

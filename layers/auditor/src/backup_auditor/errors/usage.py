"""What is wrong with what the user gave: nothing was audited."""

from shlex import quote

from backup_auditor.errors.base import BackupAuditorError


class UsageError(BackupAuditorError):
    """What the user gave is not what it should be. Nothing was audited."""


class SettingsError(UsageError):
    """A setting of the environment is missing or wrong."""


class PolicyError(UsageError):
    """A policy cannot be read, is no policy, or contradicts itself. Its text is the first of its problems."""

    def __init__(self, *problems: str, path: str = "FILE") -> None:
        """Take every problem in the order of the file, one line each."""
        count = len(problems) - 1
        more = f" (and {count} more: backup-auditor policy validate {path} lists them)" if count > 0 else ""
        super().__init__(f"{problems[0]}{more}")
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


class PlanError(UsageError):
    """A plan of remediation is not known, or not to be carried out: it is stale, or of another project or policy."""


class InventoryFileError(UsageError):
    """A saved inventory cannot be read."""


class OtherProjectError(UsageError):
    """A state belongs to another Pinecone project than the one that was read. Nothing was compared or recorded."""

    def __init__(self, project: str, known: str, found: str, remedy: str = "") -> None:
        """Take the name of the project, the id in its state, the id that was read, and what to do."""
        what = f"the state of {project} belongs to Pinecone project {known}, but Pinecone project {found} was read"
        super().__init__(f"{what}; nothing was compared or recorded{remedy and '; '}{remedy}")
        self.project = project
        self.known = known
        self.found = found

    def with_remedy(self, remedy: str) -> "OtherProjectError":
        """Return the same error, and what to do about it."""
        return OtherProjectError(self.project, self.known, self.found, remedy)


class StateError(UsageError):
    """What is remembered of earlier audits cannot be read, or cannot be written."""


class FutureAuditError(StateError):
    """The last recorded audit lies in the future of this machine's clock, so that no audit is recorded any more."""

    def __init__(self, project: str, recorded: str, now: str, place: str = "") -> None:
        """Take the name of the project, both moments, and the flag that names its state."""
        super().__init__(
            f"the last recorded audit of {project}, of {recorded}, lies in the future of this machine's clock ({now});"
            " correct the clock if it is wrong, else discard that audit:"
            f" backup-auditor state discard --project {quote(project)}{place}"
        )
        self._told = project, recorded, now

    def with_place(self, flag: str, value: str) -> "FutureAuditError":
        """Return the same error with the flag that names the state."""
        return FutureAuditError(*self._told, f" {flag} {quote(value)}")

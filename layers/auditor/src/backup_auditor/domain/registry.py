"""The registry: which projects are to be audited, and where it is wrong about one of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from backup_auditor.domain.identifiers import is_on_aws
from backup_auditor.domain.outbox import Channel
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import RegistryError


@dataclass(frozen=True, slots=True)
class RegisteredProject:
    """One project that is to be audited."""

    name: str
    secret: str | None = None
    """The secret that holds its key; on AWS it must have one."""
    key_variable: str | None = None
    """The variable of the environment that holds its key, on a laptop."""
    policy: str | None = None
    """Its own policy: `ssm:NAME`, `s3://BUCKET/KEY`, or a file; `None` for the one that holds where none is named."""
    channels: tuple[Channel, ...] = ()
    """Where its alerts go. On AWS the channel of the events is the first of them."""
    line: int | None = None
    """Where it stands in the registry."""
    editor_secret: str | None = None
    """The secret that holds a key of it that may write; without one it is not put right on AWS."""


@dataclass(frozen=True, slots=True)
class EntryError:
    """Something wrong with one entry, which keeps that project from being audited, and no other."""

    name: str
    """The project's, or `entry N` where the entry has no name of its own."""
    line: int | None
    text: str
    """What is wrong and what to do, on one line."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The projects in their order, and the mistakes in theirs."""

    projects: tuple[RegisteredProject, ...]
    errors: tuple[EntryError, ...] = ()
    source: str = "the registry"
    """What messages call it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every project that somebody expects to be audited, each once; those with a mistake too."""
        return tuple(dict.fromkeys((*(it.name for it in self.projects), *(it.name for it in self.errors))))

    def find(self, name: str | None) -> RegisteredProject:
        """Return a project by its name, or the only one where none is named.

        Raises `RegistryError` where there is none of that name, or where its entry has a mistake.
        """
        for project in self.projects:
            if name == project.name or (name is None and len(self.names) == 1):
                return project
        if name is None and len(self.names) > 1:
            raise RegistryError(f"{len(self.names)} projects are registered; name one of them")
        error_texts = tuple(self.format_error(it) for it in self.errors if name in {None, it.name})
        if error_texts:
            raise RegistryError(*error_texts)
        raise RegistryError(
            f"{self.source}: registers no project {quote_text(str(name), 100)}; add it there, or correct the name"
        )

    def format_error(self, error: EntryError) -> str:
        """Return a mistake with the place where it stands."""
        place = f"{self.source}:{error.line}" if error.line else self.source
        return f"{place}: {error.text}"

    def filter_for_aws(self) -> "Registry":
        """Return what of it can be audited on AWS; what an entry lacks for that is a mistake there."""
        missing_settings = tuple(it for project in self.projects for it in _find_missing_settings(project))
        incomplete_names = {it.name for it in missing_settings}
        complete_projects = tuple(it for it in self.projects if it.name not in incomplete_names)
        return Registry(complete_projects, (*self.errors, *missing_settings), self.source)


def _find_missing_settings(project: RegisteredProject) -> Iterator[EntryError]:
    if project.secret is None:
        problem = "has no secret, and on AWS its key is read from one; add secret: NAME"
        yield EntryError(project.name, project.line, f'the project "{project.name}" {problem}')
    if project.policy is not None and not is_on_aws(project.policy):
        problem = "has a file for a policy, and on AWS there is none; write ssm:NAME or s3://BUCKET/KEY"
        yield EntryError(project.name, project.line, f'the project "{project.name}" {problem}')

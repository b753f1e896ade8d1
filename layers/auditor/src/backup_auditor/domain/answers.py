"""Asks the same of several: what is known decides first, and what is not known where nothing else did."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from backup_auditor.domain.control import InsufficientError


@dataclass(frozen=True, slots=True)
class Answers[Asked, Answer]:
    """What several answered to the same question, in their order."""

    known: tuple[tuple[Asked, Answer], ...]
    unknown: InsufficientError | None
    """Why the first that did not answer did not, if any."""

    def need_all(self) -> None:
        """Raise `InsufficientError` unless all answered."""
        if self.unknown is not None:
            raise self.unknown


def answers_of[Asked, Answer](several: Iterable[Asked], ask: Callable[[Asked], Answer]) -> Answers[Asked, Answer]:
    """Ask each of several; one of which a fact is not known does not keep the others from answering."""
    known: list[tuple[Asked, Answer]] = []
    unknown: InsufficientError | None = None
    for one in several:
        try:
            known.append((one, ask(one)))
        except InsufficientError as error:
            unknown = unknown or error
    return Answers(tuple(known), unknown)

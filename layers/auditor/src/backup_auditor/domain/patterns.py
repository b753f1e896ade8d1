"""Shell patterns over names of indexes: what fits them, and which sets of them fit every name there can be."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from string import ascii_lowercase, digits

NAME_CHARACTERS = frozenset(ascii_lowercase + digits + "-")
"""What the name of an index may consist of."""
LONGEST_NAME = 45
"""How many of these it has at most; it has one at least."""
_MOST_STATES = 2_000
_SAMPLES = ("a", "0-", "x" * LONGEST_NAME, "prod-orders", "q7-" * 15)
"""Names, one of which most sets of patterns do not fit."""

type _State = frozenset[tuple[int, int]]
"""How far each pattern, by its number, has come; one may have come to several places."""

type _Token = frozenset[str] | None
"""The characters that one step takes, or `None` for any number of any characters."""


def fits_any(text: str, patterns: Iterable[str]) -> bool:
    """Tell whether a text fits one of several patterns."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def fit_every_name(patterns: Sequence[str]) -> bool:
    """Tell whether every name that an index can have fits one of several patterns.

    All patterns are followed at once, character by character, through the names of every length. Where that would
    take too many steps the answer is no.
    """
    if not all(fits_any(it, patterns) for it in _SAMPLES):
        return False
    found = map(list, map(_tokens, patterns))
    tokens = [it for it in found if sum(step is not None for step in it) <= LONGEST_NAME]
    characters = _representatives(tokens)
    states = {_closed(((number, 0) for number in range(len(tokens))), tokens)}
    known = set(states)
    for _ in range(LONGEST_NAME):
        states = {it for it in states if not _takes_everything(it, tokens)}
        reached = {_after(state, it, tokens) for state in states for it in characters}
        if not all(any(place == len(tokens[number]) for number, place in state) for state in reached):
            return False
        states = reached - known  # what a shorter name reached is followed further already
        known |= states
        if len(known) > _MOST_STATES:
            return False
    return True


def _tokens(pattern: str) -> Iterator[_Token]:
    place, last = 0, ""
    while place < len(pattern):
        end = place + 1
        if pattern[place] == "[":  # as `fnmatch` reads it: a bracket that is not closed is a character
            begin = place + (2 if pattern[place + 1 : place + 2] == "!" else 1)
            closing = pattern.find("]", begin + 1)
            end = closing + 1 if closing >= 0 else end
        step = pattern[place:end]
        if step != "*":
            yield frozenset(it for it in NAME_CHARACTERS if fnmatchcase(it, step if step != "[" else "[[]"))
        elif last != "*":
            yield None
        place, last = end, step


def _representatives(tokens: Iterable[Iterable[_Token]]) -> list[str]:
    """Return one character for each group of characters that no token tells apart."""
    sets = {it for steps in tokens for it in steps if it is not None}
    found: dict[frozenset[frozenset[str]], str] = {}
    for it in sorted(NAME_CHARACTERS):
        found.setdefault(frozenset(group for group in sets if it in group), it)
    return list(found.values())


def _takes_everything(state: _State, tokens: Sequence[Sequence[_Token]]) -> bool:
    """Tell whether a pattern has come to a `*` at its end."""
    return any(place == len(tokens[number]) - 1 and tokens[number][place] is None for number, place in state)


def _closed(places: Iterable[tuple[int, int]], tokens: Sequence[Sequence[_Token]]) -> _State:
    """Add the places that are reached without a character: those behind each `*`."""
    found = set[tuple[int, int]]()
    for number, place in places:
        found.add((number, place))
        if place < len(tokens[number]) and tokens[number][place] is None:
            found.add((number, place + 1))
    return frozenset(found)


def _after(state: _State, character: str, tokens: Sequence[Sequence[_Token]]) -> _State:
    places = []
    for number, place in state:
        if place < len(tokens[number]):
            taken = tokens[number][place]
            if taken is None:
                places.append((number, place))
            elif character in taken:
                places.append((number, place + 1))
    return _closed(places, tokens)

"""Shell patterns over names of indexes: what fits them, and which sets of them fit every name there can be."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from string import ascii_lowercase, digits

NAME_CHARACTERS = frozenset(ascii_lowercase + digits + "-")
"""What the name of an index may consist of."""
MAX_NAME_LENGTH = 45
"""How many of these it has at most; it has one at least."""
_MAX_STATES = 2_000
_SAMPLES = ("a", "0-", "x" * MAX_NAME_LENGTH, "prod-orders", "q7-" * 15)
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
    token_lists = map(list, map(_parse_tokens, patterns))
    tokens = [it for it in token_lists if sum(step is not None for step in it) <= MAX_NAME_LENGTH]
    characters = _find_representatives(tokens)
    states = {_add_wildcard_positions(((number, 0) for number in range(len(tokens))), tokens)}
    known_states = set(states)
    for _ in range(MAX_NAME_LENGTH):
        states = {it for it in states if not _accepts_everything(it, tokens)}
        next_states = {_advance(state, it, tokens) for state in states for it in characters}
        if not all(any(position == len(tokens[number]) for number, position in state) for state in next_states):
            return False
        states = next_states - known_states  # what a shorter name reached is followed further already
        known_states |= states
        if len(known_states) > _MAX_STATES:
            return False
    return True


def _parse_tokens(pattern: str) -> Iterator[_Token]:
    position, last_step = 0, ""
    while position < len(pattern):
        end = position + 1
        if pattern[position] == "[":  # as `fnmatch` reads it: a bracket that is not closed is a character
            content_start = position + (2 if pattern[position + 1 : position + 2] == "!" else 1)
            closing_bracket = pattern.find("]", content_start + 1)
            end = closing_bracket + 1 if closing_bracket >= 0 else end
        step = pattern[position:end]
        if step != "*":
            yield frozenset(it for it in NAME_CHARACTERS if fnmatchcase(it, step if step != "[" else "[[]"))
        elif last_step != "*":
            yield None
        position, last_step = end, step


def _find_representatives(tokens: Iterable[Iterable[_Token]]) -> list[str]:
    """Return one character for each group of characters that no token tells apart."""
    character_sets = {it for steps in tokens for it in steps if it is not None}
    representatives: dict[frozenset[frozenset[str]], str] = {}
    for it in sorted(NAME_CHARACTERS):
        representatives.setdefault(frozenset(group for group in character_sets if it in group), it)
    return list(representatives.values())


def _accepts_everything(state: _State, tokens: Sequence[Sequence[_Token]]) -> bool:
    """Tell whether a pattern has come to a `*` at its end."""
    return any(position == len(tokens[number]) - 1 and tokens[number][position] is None for number, position in state)


def _add_wildcard_positions(positions: Iterable[tuple[int, int]], tokens: Sequence[Sequence[_Token]]) -> _State:
    """Add the places that are reached without a character: those behind each `*`."""
    all_positions = set[tuple[int, int]]()
    for number, position in positions:
        all_positions.add((number, position))
        if position < len(tokens[number]) and tokens[number][position] is None:
            all_positions.add((number, position + 1))
    return frozenset(all_positions)


def _advance(state: _State, character: str, tokens: Sequence[Sequence[_Token]]) -> _State:
    positions = []
    for number, position in state:
        if position < len(tokens[number]):
            token = tokens[number][position]
            if token is None:
                positions.append((number, position))
            elif character in token:
                positions.append((number, position + 1))
    return _add_wildcard_positions(positions, tokens)

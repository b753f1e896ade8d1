"""Shell patterns for names of indexes: which names match, and whether a set of patterns matches every name."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from string import ascii_lowercase, digits

NAME_CHARACTERS = frozenset(ascii_lowercase + digits + "-")
"""The characters of index names."""
MAX_NAME_LENGTH = 45
"""The most characters of an index name. It has at least one."""
_MAX_STATES = 2_000
_SAMPLES = ("a", "0-", "x" * MAX_NAME_LENGTH, "prod-orders", "q7-" * 15)
"""Sample names; most sets of patterns do not match all of them, which makes the answer fast."""

type _State = frozenset[tuple[int, int]]
"""Pairs of a pattern's number and a position in it. A pattern may be at several positions."""

type _Token = frozenset[str] | None
"""The characters that one token matches, or `None` for any number of any characters."""


def fits_any(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a text matches one of several patterns."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def fit_every_name(patterns: Sequence[str]) -> bool:
    """Return whether every possible index name matches one of several patterns.

    The patterns are simulated together, character by character, over names of every length. If that needs too many
    states, the result is `False`.
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
        states = next_states - known_states  # a shorter name has reached these already
        known_states |= states
        if len(known_states) > _MAX_STATES:
            return False
    return True


def _parse_tokens(pattern: str) -> Iterator[_Token]:
    position, last_step = 0, ""
    while position < len(pattern):
        end = position + 1
        if pattern[position] == "[":  # like `fnmatch`: an unclosed bracket is an ordinary character
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
    """Return one character for each group of characters that all tokens treat alike."""
    character_sets = {it for steps in tokens for it in steps if it is not None}
    representatives: dict[frozenset[frozenset[str]], str] = {}
    for it in sorted(NAME_CHARACTERS):
        representatives.setdefault(frozenset(group for group in character_sets if it in group), it)
    return list(representatives.values())


def _accepts_everything(state: _State, tokens: Sequence[Sequence[_Token]]) -> bool:
    """Return whether a pattern has reached a final `*`."""
    return any(position == len(tokens[number]) - 1 and tokens[number][position] is None for number, position in state)


def _add_wildcard_positions(positions: Iterable[tuple[int, int]], tokens: Sequence[Sequence[_Token]]) -> _State:
    """Add the positions that need no character: those after each `*`."""
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

"""What in a policy deserves a look but is no finding: rules that fit no index, and tag values that are no patterns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_lowercase, digits

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Index
from backup_auditor.domain.policy import Policy, Rule

_MOST_CAUSES = 3
_QUOTATION_MARKS = frozenset("\"'`´‘’‚‛“”„‟«»‹›「」『』＂＇")  # noqa: RUF001  each of them is meant
_IN_NAMES = frozenset(ascii_lowercase + digits + "-")
_IN_PATTERNS = _IN_NAMES | frozenset("*?[]!")


def policy_warnings(policy: Policy, inventory: Inventory) -> tuple[str, ...]:
    """Return a sentence for each thing that deserves a look, sorted.

    Where the live indexes are not known, or there are none, no rule is said to fit none.
    """
    indexes = (
        ()
        if inventory.indexes_unread is not None
        else (*(it.index for it in inventory.indexes), *inventory.terminating)
    )
    found = set(value_warnings(policy))
    for number, rule in enumerate(policy.rules):
        if indexes and not any(rule.fits(it.name, it.tags) for it in indexes):
            found.add(_fits_no_index(_title(number, rule), rule, indexes))
    return tuple(sorted(found))


def value_warnings(policy: Policy) -> Iterator[str]:
    """Return a sentence for each tag value of a policy that looks like a pattern, whatever the project holds."""
    for number, rule in enumerate(policy.rules):
        yield from _values_like_patterns(_title(number, rule), rule.tags.items())
    for number, exemption in enumerate(policy.exemptions):
        yield from _values_like_patterns(f"Exemption of {exemption.owner} (exemptions[{number}])", exemption.tags)


def looks_like_pattern(text: str) -> bool:
    """Tell whether a text would be a shell pattern, if it stood where patterns are read."""
    return "*" in text or "?" in text or ("[" in text and "]" in text[text.index("[") :])


def _title(number: int, rule: Rule) -> str:
    return f'Rule "{rule.name}" (rules[{number}])'


def _values_like_patterns(title: str, tags: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    for key, values in tags:
        for value in filter(looks_like_pattern, values):
            yield (
                f'{title}: the value "{value}" of the tag "{key}" looks like a pattern, but tag values are compared'
                " exactly as written; list each value."
            )


def _fits_no_index(title: str, rule: Rule, indexes: Sequence[Index]) -> str:
    causes = [*_causes_in_names(rule.names), *_causes_in_tags(rule.tags, indexes)]
    shown = causes[:_MOST_CAUSES]
    if len(causes) > len(shown):
        shown.append(f"and {len(causes) - len(shown):,} more such causes")
    if not shown:
        is_named = any(rule.fits_name(it.name) for it in indexes)
        shown = ["no index fits both its names and its tags" if is_named and rule.tags else "no index has such a name"]
    return f"{title} fits no index: {'; '.join(shown)}; correct its match, or remove the rule."


def _causes_in_names(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        if not _QUOTATION_MARKS.isdisjoint(pattern):
            yield f"the pattern {pattern} has quotation marks in it"
        elif pattern != pattern.strip():
            yield f'the pattern "{pattern}" begins or ends with a blank'
        elif pattern != pattern.lower():
            yield f'the pattern "{pattern}" has upper-case letters, and names of indexes have none'
        elif "[" in pattern and "]" not in pattern[pattern.index("[") + 2 :]:
            yield f'the pattern "{pattern}" has a bracket that is not closed'
        elif not _IN_PATTERNS.issuperset(pattern):
            yield f'the pattern "{pattern}" has characters that no name of an index has'


def _causes_in_tags(tags: Mapping[str, Sequence[str]], indexes: Sequence[Index]) -> Iterator[str]:
    known = {key for it in indexes for key in it.tags}
    for key, values in tags.items():
        near = next((it for it in sorted(known) if it.casefold() == key.casefold()), None)
        if key not in known:
            hint = f', but there is "{near}"' if near else ""
            yield f'no index has the tag "{key}"{hint}'
        elif not any(it.tags.get(key) in values for it in indexes):
            yield f'no index has one of the listed values of the tag "{key}"'

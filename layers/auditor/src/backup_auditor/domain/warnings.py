"""Warnings about a policy or a state: what a person should check, but no control reports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Index
from backup_auditor.domain.patterns import NAME_CHARACTERS
from backup_auditor.domain.policy import Mode, Policy, Rule
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.text import pluralize

_MAX_CAUSES = 3
_QUOTATION_MARKS = frozenset("\"'`´‘’‚‛“”„‟«»‹›「」『』＂＇")  # noqa: RUF001  each character is intended
_PATTERN_CHARACTERS = NAME_CHARACTERS | frozenset("*?[]!")


def find_policy_warnings(policy: Policy, inventory: Inventory) -> tuple[str, ...]:
    """Return the warnings about a policy, sorted.

    Rules are checked against the indexes only if the indexes are known and there is at least one.
    """
    indexes = (
        ()
        if inventory.indexes_failure is not None
        else (*(it.index for it in inventory.indexes), *inventory.terminating)
    )
    warnings = set(find_value_warnings(policy))
    for number, rule in enumerate(policy.rules):
        if indexes and not any(rule.fits(it.name, it.tags) for it in indexes):
            warnings.add(_describe_unmatched_rule(_build_rule_title(number, rule), rule, indexes))
    return tuple(sorted(warnings))


def find_value_warnings(policy: Policy) -> Iterator[str]:
    """Return a warning for each tag value that looks like a pattern, and for required drills that may never run."""
    all_requirements = (policy.defaults, *(it.requirements for it in policy.rules))
    requires_drills = any(it.recovery.restore_drill_within is not None for it in all_requirements)
    if requires_drills and policy.restore_drills.mode is Mode.NEVER:
        yield (
            "The policy requires restore drills (recovery.restore_drill_within), but restore_drills.mode is never;"
            " set it to propose or apply."
        )
    for number, rule in enumerate(policy.rules):
        yield from _find_pattern_like_values(_build_rule_title(number, rule), rule.tags.items())
    for number, exemption in enumerate(policy.exemptions):
        yield from _find_pattern_like_values(f"Exemption of {exemption.owner} (exemptions[{number}])", exemption.tags)


def looks_like_pattern(text: str) -> bool:
    """Return whether a text contains the characters of a shell pattern."""
    return "*" in text or "?" in text or ("[" in text and "]" in text[text.index("[") :])


def _build_rule_title(number: int, rule: Rule) -> str:
    return f'Rule "{rule.name}" (rules[{number}])'


def _find_pattern_like_values(title: str, tags: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    for key, values in tags:
        for value in filter(looks_like_pattern, values):
            yield (
                f'{title}: the value "{value}" of the tag "{key}" looks like a pattern, but tag values are compared'
                " exactly as written; list each value."
            )


def _describe_unmatched_rule(title: str, rule: Rule, indexes: Sequence[Index]) -> str:
    causes = [*_find_name_causes(rule.names), *_find_tag_causes(rule.tags, indexes)]
    shown_causes = causes[:_MAX_CAUSES]
    if len(causes) > len(shown_causes):
        shown_causes.append(f"and {len(causes) - len(shown_causes):,} more such causes")
    if not shown_causes:
        has_matching_name = any(rule.fits_name(it.name) for it in indexes)
        shown_causes = [
            "no index matches both its names and its tags"
            if has_matching_name and rule.tags
            else "no index has such a name"
        ]
    return f"{title} matches no index: {'; '.join(shown_causes)}; correct its match, or remove the rule."


def _find_name_causes(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        if not _QUOTATION_MARKS.isdisjoint(pattern):
            yield f"the pattern {pattern} contains quotation marks"
        elif pattern != pattern.strip():
            yield f'the pattern "{pattern}" starts or ends with a space'
        elif pattern != pattern.lower():
            yield f'the pattern "{pattern}" has upper-case letters, but index names have none'
        elif "[" in pattern and "]" not in pattern[pattern.index("[") + 2 :]:
            yield f'the pattern "{pattern}" has an unclosed bracket'
        elif not _PATTERN_CHARACTERS.issuperset(pattern):
            yield f'the pattern "{pattern}" has characters that index names cannot have'


def _find_tag_causes(tags: Mapping[str, Sequence[str]], indexes: Sequence[Index]) -> Iterator[str]:
    known_keys = {key for it in indexes for key in it.tags}
    for key, values in tags.items():
        similar_key = next((it for it in sorted(known_keys) if it.casefold() == key.casefold()), None)
        if key not in known_keys:
            hint = f', but there is "{similar_key}"' if similar_key else ""
            yield f'no index has the tag "{key}"{hint}'
        elif not any(it.tags.get(key) in values for it in indexes):
            yield f'no index has one of the listed values of the tag "{key}"'


def find_state_warnings(state: ProjectState, inventory: Inventory) -> tuple[str, ...]:
    """Return a warning if neither an id nor a known backup confirms that a state belongs to the project that was read.

    Only schedules contain the id of their Pinecone project, so a project without schedules has no known id.
    The verdicts do not change: a person may have deleted every schedule and backup of the right project.
    """
    if (state.pinecone_project_id is not None and inventory.project_ids) or inventory.read_failures:
        return ()
    observed_at = inventory.observed_at
    known_backups = [
        it
        for it in state.backups.values()
        if it.known_since < observed_at and not it.is_no_longer_expected(observed_at)
    ]
    listed_backups = list(inventory.iter_listed_backups())
    known_ids = {it.backup_id for it in known_backups} | {it.index_id for it in known_backups}
    if not known_backups or any(it.backup_id in known_ids or it.index_id in known_ids for it in listed_backups):
        return ()
    project_id = state.pinecone_project_id
    owner = f"Pinecone project {project_id}" if project_id is not None else "the project of this state"
    sentence = (
        "The state may belong to another Pinecone project: it contains"
        f" {pluralize(len(known_backups), 'backup')}, none of which"
        f" is listed, and no schedule confirms the project's id; check that the key opens {owner}."
    )
    return (sentence,)

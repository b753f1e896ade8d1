"""The checks that a function on AWS makes with its own settings and role. No call changes anything."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.audit_failure import OVERDUE_AFTER, WatchedProject, find_failure
from backup_auditor.domain.checkup import Check, fail_by_message, fail_check, pass_check, skip_check
from backup_auditor.domain.outbox import FLEET, Channel, ChannelKind
from backup_auditor.domain.registry import EntryTarget, Registry, find_shared_by_secret, find_shared_by_target
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length
from backup_auditor.errors import BackupAuditorError, describe_failure
from backup_auditor.ports.messaging import Subscriptions

_MAX_CONCURRENCY = 8
_MIN_SECONDS = 30.0
"""Seconds that must be left to begin with another item."""
_MAX_FAILURES = 20
"""The limit of failed checks of one kind; one more counts the others."""
_FLEET_LABEL = "the fleet"
_FALLBACK_REMEDY = "read the log of the function, and check its role"


def check_once(name: str, work: Callable[[], object], detail: str) -> Check:
    """Return a check that passes with a detail, or fails with the error of the work."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  any failure is the result of the check
        return fail_by_message(name, describe_failure(error), _FALLBACK_REMEDY)
    return pass_check(name, detail)


@dataclass(frozen=True, slots=True)
class CheckRunner:
    """Makes the checks of many items on some threads, while there is time."""

    seconds_left: Callable[[], float] = lambda: float("inf")

    def collect[Result](self, works: Mapping[str, Callable[[], Result]]) -> dict[str, Result | Exception]:
        """Return the result of each work by its name, or its error; of work without time an error too."""

        def run_work(name: str, work: Callable[[], Result]) -> Result | Exception:
            if self.seconds_left() < _MIN_SECONDS:
                return _NoTimeError(f"{name} was not checked: there was no time left; check again")
            try:
                return work()
            except Exception as error:  # noqa: BLE001  any failure is the result of the check
                return error

        with ThreadPoolExecutor(_MAX_CONCURRENCY) as pool:
            return dict(zip(works, pool.map(run_work, works.keys(), works.values()), strict=True))

    def check_all(self, name: str, nouns: tuple[str, str], works: Mapping[str, Callable[[], object]]) -> list[Check]:
        """Return one check that all items pass, or one for each item that fails, whose error names it.

        `nouns` name one and many items.
        """
        if not works:
            return [skip_check(name, f"there is no {nouns[0]}")]
        errors = [it for it in self.collect(works).values() if isinstance(it, Exception)]
        checks = _fail_items(name, map(describe_failure, errors))
        passed_count = len(works) - len(errors)
        if passed_count:
            checks.append(pass_check(name, f"{pluralize(passed_count, *nouns)} can be used"))
        return checks


class _NoTimeError(BackupAuditorError):
    """There was no time left for a check."""


def _fail_items(name: str, messages: Iterable[str]) -> list[Check]:
    """Return a failed check for each of the first messages, and one for the others."""
    found = list(messages)
    checks = [fail_by_message(name, it, _FALLBACK_REMEDY) for it in found[:_MAX_FAILURES]]
    if len(found) > _MAX_FAILURES:
        detail = f"{len(found) - _MAX_FAILURES:,} more failed"
        checks.append(fail_check(name, detail, "correct the first ones, then check again"))
    return checks


def check_registry(registry: Registry) -> list[Check]:
    """Return whether every entry is valid, and whether entries share a secret."""
    checks = _fail_items("registry", map(registry.format_error, (*registry.errors, *registry.fleet_errors)))
    checks += [fail_by_message("registry", it.sentence) for it in find_shared_by_secret(registry.projects)]
    if not registry.names:
        return [fail_check("registry", f"{registry.source} has no project", "add a project")]
    if not checks:
        checks.append(pass_check("registry", f"{pluralize(len(registry.projects), 'project')}, each valid"))
    return checks


def check_keys(keys: Mapping[str, str | Exception], places: Mapping[str, str]) -> list[Check]:
    """Return whether each project's key can be read, and whether different secrets hold the same key.

    `keys` and `places` are the keys, or why they cannot be read, and the names of their secrets, by project.
    """
    if not keys:
        return [skip_check("keys", "no project has one")]
    errors = [f"{name}: {describe_failure(it)}" for name, it in keys.items() if isinstance(it, Exception)]
    checks = _fail_items("keys", errors)
    targets = [EntryTarget(name, places[name], it, None) for name, it in keys.items() if isinstance(it, str)]
    shared = [it for it in find_shared_by_target(targets) if len({places[name] for name in it.names}) > 1]
    checks += [fail_by_message("keys", it.sentence) for it in shared]
    if not checks:
        secret_count = len({places[name] for name in keys})
        comparison = "; no two are the same" if secret_count > 1 else ""
        checks.append(pass_check("keys", f"{pluralize(secret_count, 'key')} can be read{comparison}"))
    return checks


def check_topics(registry: Registry, subscriptions: Mapping[str, Subscriptions | Exception]) -> list[Check]:
    """Return whether every topic exists and whether someone receives the findings of each project.

    `subscriptions` are those of each topic, or why they are unknown. A topic without any subscription is accepted
    where its projects have another channel that works.
    """
    if not subscriptions:
        return [skip_check("topics", "no project has a topic")]
    messages = [describe_failure(it) for it in subscriptions.values() if isinstance(it, Exception)]
    confirmed_count = 0
    for topic, counts in subscriptions.items():
        if isinstance(counts, Exception):
            continue
        confirmed_count += counts.confirmed > 0
        names = [name for name, it in _list_receivers(registry) if _is_only_channel(topic, it, subscriptions)]
        if counts.confirmed == 0 and counts.pending > 0:
            messages.append(
                f"{topic} has no confirmed subscription, and {counts.pending} that wait for confirmation; confirm"
                " each from its inbox"
            )
        elif counts.confirmed == 0 and names:
            labels = [_FLEET_LABEL if it == FLEET else it for it in names]
            projects = labels[0] if len(labels) == 1 else pluralize(len(labels), "project")
            messages.append(
                f"{topic} has no subscription, so no one receives the findings of {projects}; set AlertEmail or"
                " SlackSecret, or subscribe to the topic"
            )
    checks = _fail_items("topics", messages)
    if not checks:
        counts_text = f"{confirmed_count:,} of {pluralize(len(subscriptions), 'topic')} have a confirmed subscription"
        checks.append(pass_check("topics", f"{counts_text}; --send-test shows whether messages are accepted"))
    return checks


def _is_only_channel(
    topic: str, channels: Iterable[Channel], subscriptions: Mapping[str, Subscriptions | Exception]
) -> bool:
    """Return whether a topic is a channel of a project that has no channel with a receiver."""
    targets = {it.target for it in channels if it.kind is ChannelKind.SNS}
    has_webhook = any(it.kind is ChannelKind.SLACK for it in channels)
    counts = [subscriptions.get(it) for it in targets]
    has_receiver = any(isinstance(it, Exception) or (it is not None and it.confirmed > 0) for it in counts)
    return topic in targets and not has_webhook and not has_receiver


def list_channels(registry: Registry, kind: ChannelKind) -> dict[str, tuple[str, ...]]:
    """Return the projects of each distinct channel of a kind, by its target. The fleet is one of them."""
    projects: dict[str, list[str]] = {}
    for name, channels in _list_receivers(registry):
        for channel in channels:
            if channel.kind is kind:
                projects.setdefault(channel.target, []).append(name)
    return {target: tuple(names) for target, names in projects.items()}


def _list_receivers(registry: Registry) -> Iterator[tuple[str, tuple[Channel, ...]]]:
    """Yield each project with its channels, and the fleet with its own, unless a project has all of these."""
    yield from ((it.name, it.channels) for it in registry.projects)
    channels = tuple(it.channel for it in registry.fleet_channels)
    if channels and not any(set(channels) <= set(it.channels) for it in registry.projects):
        yield FLEET, channels


def check_audits(projects: Mapping[str, WatchedProject], now: datetime) -> list[Check]:
    """Return whether the audits of each project succeed. A new project is not due yet."""
    messages: list[str] = []
    new_names = []
    for name, project in projects.items():
        failure = find_failure(name, project, now)
        if failure is not None:
            messages.append(f"{name}: {failure.reason}; {failure.next_step}")
        elif project.last_audits.complete_at is None:
            new_names.append(name)
    checks = _fail_items("audits", messages)
    audited_count = len(projects) - len(messages) - len(new_names)
    if audited_count:
        limit = format_length(OVERDUE_AFTER)
        detail = f"{pluralize(audited_count, 'project')} with a complete audit in the last {limit}"
        checks.append(pass_check("audits", detail))
    if new_names:
        names = new_names[0] if len(new_names) == 1 else pluralize(len(new_names), "new project")
        checks.append(skip_check("audits", f"no complete audit of {names} yet; the next night audits each"))
    return checks


def count_unsubscribed(subscriptions: Mapping[str, Subscriptions | Exception]) -> int | None:
    """Return the number of topics without a confirmed subscription; `None` if it is unknown."""
    if any(isinstance(it, Exception) for it in subscriptions.values()):
        return None
    return sum(it.confirmed == 0 for it in subscriptions.values() if isinstance(it, Subscriptions))


def build_test_checks(results: Mapping[str, object]) -> Iterator[Check]:
    """Yield for each channel whether it accepted the test message."""
    for channel, result in results.items():
        if isinstance(result, Exception):
            yield fail_by_message("test message", f"{channel}: {describe_failure(result)}", _FALLBACK_REMEDY)
        else:
            yield pass_check("test message", f"{channel} accepted it; check that it arrived")

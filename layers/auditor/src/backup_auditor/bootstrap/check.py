"""Wire the checks of each function: what it answers to `{"check": true}`. Only such a payload imports this module.

Each function reaches only its own checks, so that no role needs the permissions of another function. Nothing here can
restore or delete an index: the function `drill` passes the check of its access to records.
"""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, PING_URL, SLACK_WEBHOOK
from backup_auditor.adapters.aws.evidence_bucket import DRILL_CHECK_FOLDER, FLEET_CHECK_FOLDER, EvidenceBucket
from backup_auditor.adapters.aws.messaging import EventBus, SnsTopics
from backup_auditor.adapters.dynamodb.items import Partition
from backup_auditor.adapters.dynamodb.table import TableAccess
from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from backup_auditor.adapters.webhooks import SlackWebhooks
from backup_auditor.application.audit import check_policy_dates
from backup_auditor.application.function_checks import (
    CheckRunner,
    build_test_checks,
    check_audits,
    check_keys,
    check_once,
    check_registry,
    check_topics,
    list_channels,
)
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, get_seconds_left, get_sources
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.domain.checkup import Check, FunctionAnswer, fail_by_message, fail_check, pass_check, skip_check
from backup_auditor.domain.model import Index
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.domain.registry import FLEET_KEY, RegisteredProject, Registry
from backup_auditor.domain.text import pluralize
from backup_auditor.errors import BackupAuditorError, PineconeError
from backup_auditor.ports.messaging import Subscriptions
from backup_auditor.retry import Retrier
from backup_auditor.settings.pinecone import PineconeSettings, read_settings_with_key

_READING_TIME = timedelta(minutes=1)
"""How long one project is read at most."""
_SECONDS_AFTER_READING = 10.0
"""Seconds reserved for the answer, so that a slow project does not end the function before it answers."""
_MAX_TRIED_PROJECTS = 10
"""How many projects are looked through for a stored report."""

type FunctionChecks = Callable[[ConfigSources, Registry, CheckRunner], Iterator[Check]]
type ProjectCheck = Callable[[tuple[Index, ...], PineconeSettings], None]
"""Gets the indexes of a project, and raises any `PineconeError` if the key of the settings lacks a right."""


def check_dispatch(context: LambdaContext) -> dict[str, object]:
    """Return the checks of `dispatch`."""
    return _answer_checks("dispatch", context, lambda sources, _registry, runner: iter((_check_bus(sources, runner),)))


def check_audit(context: LambdaContext) -> dict[str, object]:
    """Return the checks of `audit`."""
    return _answer_checks("audit", context, _check_audit_parts)


def check_notify(context: LambdaContext, *, sends_test: bool) -> dict[str, object]:
    """Return the checks of `notify`; on request, send a test message to each channel."""
    return _answer_checks("notify", context, partial(_check_notify_parts, sends_test=sends_test))


def check_watch(context: LambdaContext) -> dict[str, object]:
    """Return the checks of `watch`."""
    return _answer_checks("watch", context, _check_watch_parts)


def check_remediate(context: LambdaContext) -> dict[str, object]:
    """Return the checks of `remediate`. It reads the projects only."""
    return _answer_checks("remediate", context, _check_remediate_parts)


def check_drill(context: LambdaContext, check_record_access: ProjectCheck) -> dict[str, object]:
    """Return the checks of `drill`. It reads the projects, and the statistics of one index of each."""
    return _answer_checks("drill", context, partial(_check_drill_parts, check_record_access=check_record_access))


def _answer_checks(function: str, context: LambdaContext, list_checks: FunctionChecks) -> dict[str, object]:
    """Return the hash of the code and the checks. What fails before the first check is a failed check, too."""
    checks: list[Check] = []
    try:
        sources = get_sources(function, is_cached=False)  # a correction counts at once
        checks.append(pass_check("settings", "every variable is valid"))
        registry = sources.load_registry()
        checks += check_registry(registry)
        checks += list_checks(sources, registry, CheckRunner(partial(get_seconds_left, context)))
    except BackupAuditorError as error:
        checks.append(fail_by_message("registry" if checks else "settings", error, "deploy the stack again"))
        checks.append(skip_check("other checks", "the settings or the registry cannot be read"))
    return FunctionAnswer(runtime.compute_code_hash(), tuple(checks)).to_json()


def _check_bus(sources: ConfigSources, runner: CheckRunner) -> Check:
    """Return whether the role may put events on the bus."""
    bus = EventBus(sources.aws.events, sources.settings.event_bus)
    return check_once("bus", partial(bus.check_put, runner.seconds_left), "the role may put events")


def _check_audit_parts(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Iterator[Check]:
    table = TableAccess(sources.aws.dynamodb, sources.settings.state_table)
    bucket = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
    yield from _check_project_policies(sources, registry, runner)
    secrets = {it.name: it.secret for it in registry.projects if it.secret}
    yield from _check_project_keys(sources, secrets, "ControlPlaneViewer", runner)
    yield _check_table(registry, _GET_PUT_UPDATE, table.check_get, table.check_put, table.check_update)
    yield _check_reports(table, bucket, registry)
    yield check_once("bucket", bucket.check_store, "the role may store reports")
    yield _check_bus(sources, runner)


def _check_remediate_parts(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Iterator[Check]:
    table = TableAccess(sources.aws.dynamodb, sources.settings.state_table)
    yield from _check_project_policies(sources, registry, runner)
    secrets = {it.name: it.editor_secret for it in registry.projects if it.editor_secret}
    yield from _check_project_keys(sources, secrets, "ControlPlaneEditor", runner)
    check_put = partial(table.check_put, partition=Partition.REMEDIATION)
    yield _check_table(registry, "the role may get and put items", table.check_get, check_put)
    yield _check_bus(sources, runner)


def _check_drill_parts(
    sources: ConfigSources, registry: Registry, runner: CheckRunner, *, check_record_access: ProjectCheck
) -> Iterator[Check]:
    table = TableAccess(sources.aws.dynamodb, sources.settings.state_table)
    bucket = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
    yield from _check_project_policies(sources, registry, runner)
    secrets = {it.name: it.drill_secret for it in registry.projects if it.drill_secret}
    role = "ControlPlaneEditor and DataPlaneViewer"
    yield from _check_project_keys(sources, secrets, role, runner, check_record_access)
    check_put = partial(table.check_put, partition=Partition.DRILLS)
    yield _check_table(registry, "the role may get and put items", table.check_get, check_put)
    check_store = partial(bucket.check_store, DRILL_CHECK_FOLDER)
    yield check_once("bucket", check_store, "the role may store documents of drills")
    yield _check_bus(sources, runner)


def _check_watch_parts(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Iterator[Check]:
    table = TableAccess(sources.aws.dynamodb, sources.settings.state_table)
    check_put, check_update = (partial(it, partition=Partition.WATCH) for it in (table.check_put, table.check_update))
    yield _check_table(registry, "the role may put and update items", check_put, check_update)
    if sources.settings.registration.registry_address is not None:
        bucket = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
        check_store = partial(bucket.check_store, FLEET_CHECK_FOLDER)
        yield check_once("bucket", check_store, "the role may store pages of the fleet")
    # `notify` checks whether someone receives the findings: it knows all channels
    yield from runner.check_all("topics", ("topic", "topics"), _list_counts(sources, registry))

    secrets = {sources.settings.ping_url_secret, *(it.ping_secret for it in registry.projects)}
    pings = {it: partial(sources.load_secret, it, PING_URL) for it in sorted(filter(None, secrets))}
    yield from runner.check_all("ping", ("URL", "URLs"), pings)
    yield _check_organization(sources, registry, runner)
    store = DynamoWatchStore(sources.aws.dynamodb, sources.settings.state_table)
    try:
        projects = store.load_projects(registry.names)
    except BackupAuditorError as error:
        yield fail_by_message("audits", error)
    else:
        yield from check_audits(projects, runtime.now())


def _check_organization(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Check:
    """Return whether the service account may list projects and organizations, and whether a channel hears of it.

    Its only trace is an access token that is not used.
    """
    name, secret = "organization", sources.settings.organization_secret
    if secret is None:
        return skip_check(name, "OrganizationSecret is not set: no unregistered project is looked for")
    from backup_auditor.bootstrap.organization_watch import open_stack_organization  # noqa: PLC0415  not every stack

    try:
        with open_stack_organization(sources, runner.seconds_left()) as reader:
            projects, organizations = reader.read_projects(), reader.read_organizations()
    except BackupAuditorError as error:
        return fail_by_message(name, error)
    if not projects.rows:
        return fail_check(name, "the service account sees no project", "give it a role in the organization")
    failure = projects.failure or organizations.failure
    if failure is not None:
        return fail_by_message(name, failure)
    if not registry.fleet_channels:
        return fail_check(name, "no channel receives what is found", f"add {FLEET_KEY} to the registry")
    note = "" if organizations.rows else ", but no organization: payments and plans are not checked"
    return pass_check(name, f"the service account lists {pluralize(len(projects.rows), 'project')}{note}")


def _check_notify_parts(
    sources: ConfigSources, registry: Registry, runner: CheckRunner, *, sends_test: bool
) -> Iterator[Check]:
    table = TableAccess(sources.aws.dynamodb, sources.settings.state_table)
    bucket = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
    yield _check_table(registry, _GET_PUT_UPDATE, table.check_get, table.check_put, table.check_update)
    yield _check_reports(table, bucket, registry)
    yield _check_bus(sources, runner)
    yield from _check_topics(sources, registry, runner)
    webhooks = SlackWebhooks(lambda name: sources.load_secret(name, SLACK_WEBHOOK))
    works = {it: partial(webhooks.read_valid, it) for it in list_channels(registry, ChannelKind.SLACK)}
    yield from runner.check_all("webhooks", ("webhook", "webhooks"), works)
    if sends_test:
        yield from build_test_checks(runner.collect(_list_test_messages(sources, registry, webhooks, runner)))


def _check_topics(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Iterator[Check]:
    yield from check_topics(registry, runner.collect(_list_counts(sources, registry)))


def _list_counts(sources: ConfigSources, registry: Registry) -> Mapping[str, Callable[[], Subscriptions]]:
    """Return what counts the subscriptions of each topic."""
    topics = SnsTopics(sources.aws.sns)
    return {it: partial(topics.count_subscriptions, it) for it in list_channels(registry, ChannelKind.SNS)}


def _list_test_messages(
    sources: ConfigSources, registry: Registry, webhooks: SlackWebhooks, runner: CheckRunner
) -> Mapping[str, Callable[[], None]]:
    """Return what sends the test message, once to each channel."""
    from backup_auditor.rendering.channel_test import build_test_payload, build_test_publication  # noqa: PLC0415  rare

    stack, topics = sources.settings.stack, SnsTopics(sources.aws.sns)
    retrier = Retrier(runner.seconds_left, time.sleep, random.uniform)

    def publish(topic: str, projects: tuple[str, ...]) -> None:
        publication = build_test_publication(stack, projects)
        arguments = (publication.subject, publication.message, publication.attributes)
        retrier.call(partial(topics.publish, topic, *arguments))

    def post(secret: str, projects: tuple[str, ...]) -> None:
        payload = build_test_payload(stack, projects)
        retrier.call(lambda: webhooks.post(secret, payload, runner.seconds_left()))

    topic_names, webhook_names = (list_channels(registry, it) for it in (ChannelKind.SNS, ChannelKind.SLACK))
    return {
        **{f"topic {it}": partial(publish, it, names) for it, names in topic_names.items()},
        **{f"webhook {it}": partial(post, it, names) for it, names in webhook_names.items()},
    }


_GET_PUT_UPDATE = "the role may get, put and update items"


def _check_table(registry: Registry, detail: str, *works: Callable[[str], None]) -> Check:
    """Return whether the role may use the table as `detail` says, by the partitions of the first project."""
    project = next(iter(registry.names), "none")

    def use_table() -> None:
        for work in works:
            work(project)

    return check_once("table", use_table, detail)


def _check_reports(table: TableAccess, bucket: EvidenceBucket, registry: Registry) -> Check:
    """Return whether the last stored report of a project can be read."""

    def find_location() -> str | None:
        names = registry.names[:_MAX_TRIED_PROJECTS]
        return next(filter(None, map(table.find_last_location, names)), None)

    try:
        location = find_location()
    except BackupAuditorError as error:
        return fail_by_message("reports", error)
    if location is None:
        return skip_check("reports", "no report is stored yet that could be read")
    return check_once("reports", partial(bucket.check_object, location), "the role may read them")


def _check_project_policies(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Iterator[Check]:
    """Yield whether the policy of each project is valid. Projects with one policy are one check."""

    def check_policy(project: RegisteredProject) -> None:
        check_policy_dates(sources.load_policy(project), runtime.now())

    works = {it.policy or "the built-in policy": partial(check_policy, it) for it in registry.projects}
    yield from runner.check_all("policies", ("policy", "policies"), works)


def _check_project_keys(
    sources: ConfigSources,
    secrets: Mapping[str, str],
    role: str,
    runner: CheckRunner,
    read_more: ProjectCheck = lambda *_: None,
) -> Iterator[Check]:
    """Yield whether the keys can be read and are different, and whether Pinecone lets them read the project.

    `role` is what each key needs. `read_more` checks the rights beside those to read indexes and backups.
    """
    load = partial(sources.load_secret, secret_format=PINECONE_KEY)
    keys = runner.collect({name: partial(load, it) for name, it in secrets.items()})
    yield from check_keys(keys, secrets)
    remedy = "check that the key in {} has the role {}; after a timeout or a 5xx, run doctor again"

    def read_project(project: str, key: str) -> None:
        """Read the indexes and the backups of a project. Raises `PineconeError`."""
        settings = read_settings_with_key(os.environ, key)
        time_left = timedelta(seconds=runner.seconds_left() - _SECONDS_AFTER_READING)
        limited_settings = replace(settings, deadline=min(_READING_TIME, time_left))
        failure: object
        try:
            with open_project(limited_settings) as reader:
                indexes = reader.read_indexes()
                failure = indexes.failure or reader.read_backups().failure
            if failure is None:
                read_more(indexes.rows, limited_settings)
        except BackupAuditorError as error:
            failure = error
        if failure is not None:
            raise PineconeError(f"{project}: {failure}; {remedy.format(secrets[project], role)}")

    works = {name: partial(read_project, name, it) for name, it in keys.items() if isinstance(it, str)}
    yield from runner.check_all("Pinecone", ("key", "keys"), works)

"""What the functions share on AWS: projects, policies, keys and the dependencies of deliveries."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, Source, fetch_document, fetch_secret, read_secret
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.policy_file.built_in import load_built_in_policy
from backup_auditor.application.notifications.delivery import DeliveryDependencies, Sender
from backup_auditor.application.notifications.senders import EventSender, TopicSender, WebhookSender
from backup_auditor.bootstrap.runtime import now
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import DocumentError, PolicyError, SecretError
from backup_auditor.ports.messaging import Log
from backup_auditor.retry import Retrier
from backup_auditor.settings.functions import Registration


@dataclass(frozen=True, slots=True)
class DeliveryResources:
    """Where things are, and how a webhook is found."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    fetch_webhook: Callable[[str], str]
    """Returns the webhook that a secret holds. Raises `SecretError`."""


def make_delivery_dependencies(
    aws: AwsSession, resources: DeliveryResources, seconds_left: Callable[[], float], log: Log
) -> DeliveryDependencies:
    """Put together what delivers; a client is made when a channel of its kind has to be told something."""
    retrier = Retrier(seconds_left, time.sleep, random.uniform)

    def find_sender(kind: ChannelKind) -> Sender:
        match kind:
            case ChannelKind.EVENTS:
                from backup_auditor.adapters.aws.messaging import EventBus  # noqa: PLC0415  where it is needed

                return EventSender(EventBus(aws.events, resources.event_bus), seconds_left)
            case ChannelKind.SNS:
                from backup_auditor.adapters.aws.messaging import SnsTopics  # noqa: PLC0415  where it is needed

                return TopicSender(SnsTopics(aws.sns), retrier, aws.dynamodb.meta.region_name)
            case ChannelKind.SLACK:
                from backup_auditor.adapters.webhooks import SlackWebhooks  # noqa: PLC0415  where it is needed

                return WebhookSender(SlackWebhooks(resources.fetch_webhook), retrier, aws.dynamodb.meta.region_name)

    return DeliveryDependencies(
        outbox=DynamoOutbox(aws.dynamodb, resources.state_table),
        evidence=EvidenceBucket(aws.s3, resources.evidence_bucket),
        find_sender=find_sender,
        now=now,
        retrier=retrier,
        log=log,
    )


def load_project_policy(project: RegisteredProject, documents: Source[bytes]) -> Policy:
    """Return the policy of a project. One that does not hold is read afresh: it may be corrected by now.

    Raises `PolicyError` and `DocumentError`.
    """
    if project.policy is None:
        return load_built_in_policy()
    from backup_auditor.adapters.policy_file.loader import parse_policy  # noqa: PLC0415  pydantic, only for a file

    try:
        return parse_policy(documents(project.policy), project.policy)
    except PolicyError:
        return parse_policy(documents(project.policy, fresh=True), project.policy)


EVENT_CHANNEL = Channel(ChannelKind.EVENTS, "")


def load_projects(
    registration: Registration, documents: Source[bytes], *, name: str | None = None, fresh: bool = False
) -> Registry:
    """Return the registered projects, each with the channel of the events first.

    A registry that is remembered is read afresh where it has no project that is `wanted`: it may be new there.
    Raises `RegistryError` and `DocumentError`.
    """
    if registration.registry_address is None:
        projects = () if registration.single_project is None else (registration.single_project,)
        return _add_event_channel(Registry(projects))
    registry = _read_registry(registration, registration.registry_address, documents, fresh=fresh)
    if not fresh and name is not None and all(name != it.name for it in registry.projects):
        registry = _read_registry(registration, registration.registry_address, documents, fresh=True)
    return _add_event_channel(registry)


def _read_registry(registration: Registration, address: str, documents: Source[bytes], *, fresh: bool) -> Registry:
    from backup_auditor.adapters.registry_file import RegistryDefaults, parse_registry  # noqa: PLC0415  YAML

    defaults = RegistryDefaults(registration.channels, registration.policy, registration.has_weekly_summary)
    return parse_registry(documents(address, fresh=fresh), address, defaults).filter_for_aws()


def _add_event_channel(registry: Registry) -> Registry:
    return replace(
        registry, projects=tuple(replace(it, channels=(EVENT_CHANNEL, *it.channels)) for it in registry.projects)
    )


_INSTALL_COMMAND = "pip install 'backup-auditor[aws]'"


def fetch_policy(address: str) -> Policy:
    """Return a policy that AWS keeps. Raises `DocumentError` and `PolicyError`."""
    if find_spec("boto3") is None:
        raise DocumentError(
            f"{address}: it is fetched with boto3, which is not there: {_INSTALL_COMMAND}; or name a file"
        )
    from backup_auditor.adapters.policy_file.loader import parse_policy  # noqa: PLC0415  pydantic, only for a file

    return parse_policy(fetch_document(_get_session(), address), address)


def fetch_key(name: str) -> str:
    """Return the key that a secret holds. Raises `SecretError`."""
    if find_spec("boto3") is None:
        raise SecretError(
            f"the secret {name} is read with boto3, which is not there: {_INSTALL_COMMAND}; or add"
            " key_env, the variable that "
            "holds the key"
        )
    return read_secret(name, PINECONE_KEY, _read_secret)


def _read_secret(name: str, *, fresh: bool = False) -> str | bytes:  # noqa: ARG001  nothing is remembered
    return fetch_secret(_get_session(), name)


@cache
def _get_session() -> AwsSession:
    return AwsSession()

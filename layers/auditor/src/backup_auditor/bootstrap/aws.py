"""What the functions share on AWS: projects, policies, keys and the dependencies of deliveries."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, Source, fetch_document, fetch_secret, secret
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.policy_file.loader import parse_policy
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
class DeliveryPlaces:
    """Where things are, and how a webhook is found."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    webhook_in: Callable[[str], str]
    """Returns the webhook that a secret holds. Raises `SecretError`."""


def delivery_means(
    aws: AwsSession, places: DeliveryPlaces, seconds_left: Callable[[], float], log: Log
) -> DeliveryDependencies:
    """Put together what delivers; a client is made when a channel of its kind has to be told something."""
    patience = Retrier(seconds_left, time.sleep, random.uniform)

    def carrier_for(kind: ChannelKind) -> Sender:
        match kind:
            case ChannelKind.EVENTS:
                from backup_auditor.adapters.aws.messaging import EventBus  # noqa: PLC0415  where it is needed

                return EventSender(EventBus(aws.events, places.event_bus), seconds_left)
            case ChannelKind.SNS:
                from backup_auditor.adapters.aws.messaging import SnsTopics  # noqa: PLC0415  where it is needed

                return TopicSender(SnsTopics(aws.sns), patience, aws.dynamodb.meta.region_name)
            case ChannelKind.SLACK:
                from backup_auditor.adapters.webhooks import SlackWebhooks  # noqa: PLC0415  where it is needed

                return WebhookSender(SlackWebhooks(places.webhook_in), patience, aws.dynamodb.meta.region_name)

    return DeliveryDependencies(
        outbox=DynamoOutbox(aws.dynamodb, places.state_table),
        evidence=EvidenceBucket(aws.s3, places.evidence_bucket),
        carrier_for=carrier_for,
        now=now,
        patience=patience,
        log=log,
    )


def policy_of(project: RegisteredProject, documents: Source[bytes]) -> Policy:
    """Return the policy of a project. One that does not hold is read afresh: it may be corrected by now.

    Raises `PolicyError` and `DocumentError`.
    """
    from backup_auditor.adapters.policy_file.loader import built_in_policy, parse_policy  # noqa: PLC0415  pydantic

    if project.policy is None:
        return built_in_policy()
    try:
        return parse_policy(documents(project.policy), project.policy)
    except PolicyError:
        return parse_policy(documents(project.policy, fresh=True), project.policy)


EVENTS = Channel(ChannelKind.EVENTS, "")


def projects_of(
    registration: Registration, documents: Source[bytes], *, wanted: str | None = None, fresh: bool = False
) -> Registry:
    """Return the registered projects, each with the channel of the events first.

    A registry that is remembered is read afresh where it has no project that is `wanted`: it may be new there.
    Raises `RegistryError` and `DocumentError`.
    """
    if registration.document is None:
        projects = () if registration.only is None else (registration.only,)
        return _with_events(Registry(projects))
    registry = _read_registry(registration, registration.document, documents, fresh=fresh)
    if not fresh and wanted is not None and all(wanted != it.name for it in registry.projects):
        registry = _read_registry(registration, registration.document, documents, fresh=True)
    return _with_events(registry)


def _read_registry(registration: Registration, address: str, documents: Source[bytes], *, fresh: bool) -> Registry:
    from backup_auditor.adapters.registry_file import RegistryDefaults, parse_registry  # noqa: PLC0415  YAML

    usual = RegistryDefaults(registration.channels, registration.policy, registration.tells_all_is_well)
    return parse_registry(documents(address, fresh=fresh), address, usual).on_aws()


def _with_events(registry: Registry) -> Registry:
    return replace(registry, projects=tuple(replace(it, channels=(EVENTS, *it.channels)) for it in registry.projects))


_REMEDY = "pip install 'backup-auditor[aws]'"


def fetched_policy(address: str) -> Policy:
    """Return a policy that AWS keeps. Raises `DocumentError` and `PolicyError`."""
    if find_spec("boto3") is None:
        raise DocumentError(f"{address}: it is fetched with boto3, which is not there: {_REMEDY}; or name a file")
    return parse_policy(fetch_document(_aws(), address), address)


def fetched_key(name: str) -> str:
    """Return the key that a secret holds. Raises `SecretError`."""
    if find_spec("boto3") is None:
        raise SecretError(
            f"the secret {name} is read with boto3, which is not there: {_REMEDY}; or add key_env, the variable that "
            "holds the key"
        )
    return secret(name, PINECONE_KEY, _read_aws)


def _read_aws(name: str, *, fresh: bool = False) -> str | bytes:  # noqa: ARG001  nothing is remembered
    return fetch_secret(_aws(), name)


@cache
def _aws() -> AwsSession:
    return AwsSession()

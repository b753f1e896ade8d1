"""Measure how many topics of findings have no confirmed subscription: such a topic accepts messages for no one."""

from collections.abc import Callable
from functools import partial

from backup_auditor.application.function_checks import CheckRunner, count_unsubscribed, list_channels
from backup_auditor.bootstrap.aws import ConfigSources
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import describe_failure
from backup_auditor.ports.messaging import Log, MetricEmitter


def measure_subscriptions(
    sources: ConfigSources, registry: Registry, seconds_left: Callable[[], float], emit: MetricEmitter, log: Log
) -> None:
    """Emit the number of topics without a confirmed subscription. If it is unknown, log the reason and emit nothing."""
    from backup_auditor.adapters.aws.messaging import SnsTopics  # noqa: PLC0415  on first use

    projects, topics = list_channels(registry, ChannelKind.SNS), SnsTopics(sources.aws.sns)
    subscriptions = CheckRunner(seconds_left).collect({it: partial(topics.count_subscriptions, it) for it in projects})
    for topic, found in subscriptions.items():
        if isinstance(found, Exception):
            log.warning("the subscriptions of a topic are unknown", extra={"error": describe_failure(found)})
        elif not found.confirmed:
            log.info("a topic has no confirmed subscription", extra={"topic": topic, "projects": projects[topic][:10]})
    emit(None, {"TopicsWithoutSubscription": count_unsubscribed(subscriptions)})

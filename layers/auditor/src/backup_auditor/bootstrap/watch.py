"""Wire the function `watch`. Clients live as long as its process."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PING_URL
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.dynamodb.fleet_store import DynamoFleetStore
from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from backup_auditor.application.fleet_page import FleetPageWriter
from backup_auditor.application.watch import watch_projects
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, get_seconds_left, get_sources, log_errors
from backup_auditor.bootstrap.subscriptions import measure_subscriptions
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.domain.events import is_check_request
from backup_auditor.domain.registry import Registry
from backup_auditor.ports.messaging import MetricEmitter
from backup_auditor.rendering.digest import build_report_link

LOG = Logger(service="watch")
_SECONDS_AFTER_PINGS = 10.0
"""Seconds reserved for pings in progress and the steps after them."""


class _WatchInvocation:
    """The dependencies of one invocation, limited by the time that it has left."""

    log = LOG

    def __init__(self, sources: ConfigSources, context: LambdaContext) -> None:
        self._sources = sources
        self._context = context
        self.store = DynamoWatchStore(sources.aws.dynamodb, sources.settings.state_table)
        self.emit: MetricEmitter = partial(metrics.emit, stack=sources.settings.stack)
        self.ping_secret = sources.settings.ping_url_secret
        self.fleet = self._create_page_writer()

    def _create_page_writer(self) -> FleetPageWriter | None:
        settings, aws = self._sources.settings, self._sources.aws
        if settings.registration.registry_address is None:
            return None
        build_link = partial(build_report_link, region=aws.dynamodb.meta.region_name, base_url=settings.report_base_url)
        return FleetPageWriter(
            DynamoFleetStore(aws.dynamodb, settings.state_table),
            EvidenceBucket(aws.s3, settings.evidence_bucket),
            build_link,
            self.seconds_left,
            LOG,
            self._create_discovery_loader(),
        )

    def _create_discovery_loader(self) -> Callable[[], DiscoveryState] | None:
        settings, aws = self._sources.settings, self._sources.aws
        if settings.organization_secret is None:
            return None
        from backup_auditor.adapters.dynamodb.discovery_store import (  # noqa: PLC0415  not every stack
            DynamoDiscoveryStore,
        )

        return DynamoDiscoveryStore(aws.dynamodb, settings.state_table).load

    def look_at_organization(self, registry: Registry) -> dict[str, object]:
        if self._sources.settings.organization_secret is None:
            return {}
        from backup_auditor.bootstrap.organization_watch import (  # noqa: PLC0415  not every stack
            look_at_organization,
        )

        return look_at_organization(self._sources, registry, self.seconds_left, self.emit, LOG)

    def now(self) -> datetime:
        return runtime.now()

    def ping(self, secret: str) -> None:
        from backup_auditor.adapters.webhooks import ping  # noqa: PLC0415  only with a ping URL

        ping(self._sources.load_secret(secret, PING_URL), secret)

    def seconds_left(self) -> float:
        return get_seconds_left(self._context, _SECONDS_AFTER_PINGS)


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Look at all projects and the organization, and return what fails. An error is raised, so that Lambda retries."""
    with log_errors(LOG):
        if is_check_request(event):
            from backup_auditor.bootstrap.check import check_watch  # noqa: PLC0415  only for a check

            return check_watch(context)
        sources = get_sources("watch")
        registry, deps = sources.load_registry(), _WatchInvocation(sources, context)
        try:
            return watch_projects(registry, deps)
        finally:
            measure_subscriptions(sources, registry, deps.seconds_left, deps.emit, LOG)

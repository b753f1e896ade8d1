"""Wire the function `notify`. Clients and secrets live as long as its process."""

from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.config_sources import SLACK_WEBHOOK
from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.application.notifications.dispatcher import ChannelRouter, Sender, deliver_pending
from backup_auditor.application.notifications.senders import TopicSender, WebhookSender
from backup_auditor.bootstrap.aws import LambdaContext, get_seconds_left, get_sources, log_errors
from backup_auditor.bootstrap.events import EventDelivery
from backup_auditor.domain.events import is_check_request, is_test_request, read_delivery_request
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.rendering.digest import build_report_link

LOG = Logger(service="notify")
_SECONDS_AFTER_DELIVERIES = 5.0
"""Seconds reserved for the steps after the last delivery."""


class _Delivery(EventDelivery):
    """The dependencies of deliveries to all channels. A client is created for the first message to each kind."""

    def find_sender(self, kind: ChannelKind) -> Sender:
        aws, base_url = self._sources.aws, self._sources.settings.report_base_url
        build_link = partial(build_report_link, region=aws.dynamodb.meta.region_name, base_url=base_url)
        match kind:
            case ChannelKind.EVENTS:
                return super().find_sender(kind)
            case ChannelKind.SNS:
                from backup_auditor.adapters.aws.messaging import SnsTopics  # noqa: PLC0415  on first use

                return TopicSender(SnsTopics(aws.sns), self.retrier, build_link)
            case ChannelKind.SLACK:
                from backup_auditor.adapters.webhooks import SlackWebhooks  # noqa: PLC0415  on first use

                webhooks = SlackWebhooks(lambda name: self._sources.load_secret(name, SLACK_WEBHOOK))
                return WebhookSender(webhooks, self.retrier, build_link)


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Deliver the messages of an event or a payload. Errors are logged and raised, so that Lambda retries the event."""
    with log_errors(LOG):
        if is_check_request(event) or is_test_request(event):
            from backup_auditor.bootstrap.check import check_notify  # noqa: PLC0415  only for a check

            return check_notify(context, sends_test=is_test_request(event))
        sources = get_sources("notify")
        project = read_delivery_request(event)
        deps = _Delivery(sources, partial(get_seconds_left, context, _SECONDS_AFTER_DELIVERIES), LOG)
        deliveries = deliver_pending(deps, ChannelRouter(sources.load_registry).find_route, project)
        for name, failures in deliveries.failures_by_project.items():
            emit(name, {"DeliveryFailures": failures}, stack=sources.settings.stack)
        return {
            "sent": deliveries.sent_count,
            "dropped": deliveries.dropped_count,
            "failed": deliveries.failed_count,
            "waiting": deliveries.waiting_count,
        }

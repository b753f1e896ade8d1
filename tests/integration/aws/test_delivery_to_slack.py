"""Test that the response of a webhook determines the outcome of a message."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_auditor.adapters.webhooks import SlackWebhooks
from backup_auditor.domain.notifications.digest import create_digest, create_messages
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, SecretError
from backup_auditor.rendering.slack import build_slack_payload
from support.builders.notifications import SLACK_CHANNEL, STORED_REPORT, build_alert_report, build_open_finding
from support.certificates import make_authority, make_server_context
from support.proxies import serve_tls
from support.raw_server import serve_answer
from support.slack_server import (
    FORBIDDEN_ANSWER,
    LOST_ANSWER,
    NO_SERVICE_ANSWER,
    UNAVAILABLE_ANSWER,
    SlackAnswer,
    SlackReceiver,
    iterate_elements,
    make_busy_answer,
    serve_slack,
)

SECRET = "backup-auditor/webhooks/slack"  # noqa: S105  its name
CANARY = "T0CANARY/B0CANARY/" + "x" * 24
PAYLOAD = {"text": "hello"}


@pytest.fixture
def slack_receiver() -> Iterator[SlackReceiver]:
    """Serve a receiver of webhooks during the test."""
    with serve_slack() as it:
        yield it


def post_payload(webhook: str, payload: dict[str, object] | None = None, seconds: float = 5.0) -> None:
    """Post to the webhook of a secret."""
    SlackWebhooks(lambda _: webhook).post(SECRET, payload or PAYLOAD, seconds)


def post_and_fail(webhook: str, seconds: float = 5.0) -> DeliveryError:
    """Post a message that fails, check that the error does not show the webhook, and return the error."""
    with pytest.raises(DeliveryError) as error_info:
        post_payload(webhook, seconds=seconds)
    failure: BaseException | None = error_info.value
    while failure is not None:
        assert "CANARY" not in repr(failure)
        assert failure.__cause__ is None
        failure = None if failure.__suppress_context__ else failure.__context__
    return error_info.value


def test_a_digest_is_posted(slack_receiver: SlackReceiver) -> None:
    """A posted digest has blocks within Slack's limits, and a name in it is literal text."""
    report = build_alert_report(*(build_open_finding(f"<!channel> {number}") for number in range(500)))
    (message,) = create_messages(report, STORED_REPORT, (SLACK_CHANNEL,), None)
    post_payload(
        slack_receiver.make_webhook(CANARY),
        dict(build_slack_payload(create_digest(report, message, SLACK_CHANNEL, build_link=lambda _: None))),
    )
    ((path, payload),) = slack_receiver.posted_messages
    assert path == f"/services/{CANARY}"
    assert "<!channel>" not in payload["text"]
    elements = [it for block in payload["blocks"] if block["type"] == "rich_text" for it in iterate_elements(block)]
    assert {"type": "text", "text": "<!channel> 0", "style": {"bold": True}} in elements


@pytest.mark.parametrize(
    "response,kind",
    [
        pytest.param(NO_SERVICE_ANSWER, ChannelRefusedError, id="no-service"),
        pytest.param(FORBIDDEN_ANSWER, ChannelRefusedError, id="forbidden"),
        pytest.param(SlackAnswer(400, "invalid_blocks"), ChannelRefusedError, id="invalid"),
        pytest.param(SlackAnswer(410, "channel_is_archived"), ChannelRefusedError, id="archived"),
        pytest.param(SlackAnswer(302, "", {"Location": "http://127.0.0.1:1/"}), ChannelRefusedError, id="redirect"),
        pytest.param(UNAVAILABLE_ANSWER, DeliveryError, id="unavailable"),
        pytest.param(SlackAnswer(520, "<html>oh</html>"), DeliveryError, id="gateway"),
        pytest.param(SlackAnswer(501, ""), ChannelRefusedError, id="not-implemented"),
        pytest.param(make_busy_answer(7), DeliveryError, id="busy"),
        pytest.param(LOST_ANSWER, AcceptanceUnknownError, id="lost"),
    ],
)
def test_each_response_has_its_error_type(
    slack_receiver: SlackReceiver, response: SlackAnswer, kind: type[DeliveryError]
) -> None:
    """Transient errors, refusals and unknown outcomes have their own error types, and each call is sent once."""
    slack_receiver.answers = [response]
    error = post_and_fail(slack_receiver.make_webhook(CANARY))
    assert type(error) is kind
    assert SECRET in str(error)
    assert len(slack_receiver.requested_paths) == 1
    assert error.retry_after == (7 if response.status == 429 else None)


def test_a_refusal_shows_only_known_words(slack_receiver: SlackReceiver) -> None:
    """An unknown response is not shown, because it can have secrets such as the webhook."""
    slack_receiver.answers = [SlackAnswer(403, f"no: {CANARY}"), SlackAnswer(404, "no_service")]
    assert "no:" not in str(post_and_fail(slack_receiver.make_webhook(CANARY)))
    assert "no_service" in str(post_and_fail(slack_receiver.make_webhook(CANARY)))


def test_a_late_response_leaves_the_outcome_unknown(slack_receiver: SlackReceiver) -> None:
    """A message whose response is late may have been posted."""
    slack_receiver.answers = [SlackAnswer(is_posted=True, delay_seconds=3)]
    assert isinstance(post_and_fail(slack_receiver.make_webhook(CANARY), seconds=0.2), AcceptanceUnknownError)


def test_a_response_truncated_after_its_status_is_accepted() -> None:
    """A status that accepts the message is enough."""
    with serve_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\no") as (port, _):
        post_payload(f"http://127.0.0.1:{port}/services/{CANARY}")


@pytest.mark.parametrize("response", [b"", b"\x00\x01", b"HTTP/1.1 abc\r\n\r\n"])
def test_an_invalid_response_leaves_the_outcome_unknown(response: bytes) -> None:
    """The outcome of a request with an invalid response is unknown."""
    with serve_answer(response) as (port, _):
        error = post_and_fail(f"http://127.0.0.1:{port}/services/{CANARY}", seconds=0.5)
    assert isinstance(error, AcceptanceUnknownError)


def test_an_unreachable_host_received_nothing() -> None:
    """The error for a refused connection states that the message was not sent."""
    with socket.create_server(("127.0.0.1", 0)) as blocking_socket:
        port = blocking_socket.getsockname()[1]
    assert type(post_and_fail(f"http://127.0.0.1:{port}/services/{CANARY}")) is DeliveryError


@pytest.mark.parametrize(
    "webhook",
    [
        "",
        "hooks.slack.com/services/",
        "http://hooks.slack.com/services/",
        "https://hooks.slack.com.example/services/",
        "https://hooks.slack.com@example.com/services/",
        "https://example.com/services/",
        "https://hooks.slack.com:8443/services/",
        "https://hooks.slack.com/workflows/",
        "http://localhost.example:80/services/",
        "http://10.0.0.1:80/services/",
        "https://hooks.slack.com/services/?a=",
        "https://hooks.slack.com/services/\r\nHost: example.com/",
    ],
)
def test_an_invalid_webhook_is_not_called(webhook: str) -> None:
    """A URL that is not a Slack webhook receives no message, and the error names the secret without its value."""
    error = post_and_fail(f"{webhook}{CANARY}" if webhook else "")
    assert isinstance(error, ChannelRefusedError)
    assert re.search(r"the secret backup-auditor/webhooks/slack holds no Slack webhook", str(error))


def test_an_unreadable_secret_has_its_own_error() -> None:
    """An error of the secret is raised without a call."""

    def raise_secret_error(name: str) -> str:
        raise SecretError(f"the secret {name} is empty")

    with pytest.raises(SecretError):
        SlackWebhooks(raise_secret_error).post(SECRET, PAYLOAD, 5.0)


def test_the_configured_certificate_store_is_used(
    slack_receiver: SlackReceiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A certificate of a private CA is accepted if SSL_CERT_FILE names the CA, and a wrong path is an error."""
    store = tmp_path / "corporate.pem"
    store.write_bytes(make_authority().pem)
    with serve_tls(slack_receiver.port, make_server_context(tmp_path, "127.0.0.1")) as port:
        webhook = f"https://127.0.0.1:{port}/services/{CANARY}"
        assert "the operating system's certificate store" in str(post_and_fail(webhook))
        monkeypatch.setenv("SSL_CERT_FILE", str(store))
        post_payload(webhook)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
        assert "no such file" in str(post_and_fail(webhook))
    assert len(slack_receiver.posted_messages) == 1


def test_an_untrusted_certificate_is_refused(slack_receiver: SlackReceiver, tmp_path: Path) -> None:
    """A host with an untrusted certificate receives no request."""
    with serve_tls(slack_receiver.port, make_server_context(tmp_path, "127.0.0.1")) as port:
        error = post_and_fail(f"https://127.0.0.1:{port}/services/{CANARY}")
    assert isinstance(error, ChannelRefusedError)
    assert "certificate" in str(error)
    assert slack_receiver.requested_paths == []


def build_rich_text(*elements: object) -> dict[str, object]:
    """Build a payload with one block of rich text."""
    return {"text": "x", "blocks": [{"type": "rich_text", "elements": list(elements)}]}


def build_section(*elements: object) -> dict[str, object]:
    """Build a payload with one paragraph of rich text."""
    return build_rich_text({"type": "rich_text_section", "elements": list(elements)})


@pytest.mark.parametrize(
    "payload,reason_text",
    [
        pytest.param({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks", id="unknown-blocks"),
        pytest.param(
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}] * 51},
            "invalid_blocks",
            id="too-many-blocks",
        ),
        pytest.param({"text": "x" * 13_001}, "msg_too_long", id="long-text"),
        pytest.param(build_section({"type": "text", "text": "x" * 13_000}), "msg_blocks_too_long", id="long-blocks"),
        pytest.param({"attachments": []}, "no_text", id="empty"),
        pytest.param(build_rich_text(), "invalid_blocks", id="no-element"),
        pytest.param(build_section(), "invalid_blocks", id="no-text"),
        pytest.param(build_section({"type": "text", "text": ""}), "invalid_blocks", id="empty-text"),
        pytest.param(build_section({"type": "mrkdwn", "text": "x"}), "invalid_blocks", id="markup"),
        pytest.param(build_section({"type": "broadcast", "range": "channel"}), "invalid_blocks", id="mention"),
        pytest.param(build_section({"type": "text", "text": "x", "url": "https://a"}), "invalid_blocks", id="key"),
        pytest.param(build_section({"type": "text", "text": "x", "style": "bold"}), "invalid_blocks", id="style"),
        pytest.param(build_section({"type": "link", "text": "x", "url": "x"}), "invalid_blocks", id="address"),
        pytest.param(build_section({"type": "link", "text": "x"}), "invalid_blocks", id="no-address"),
        pytest.param(build_rich_text({"type": "text", "text": "x"}), "invalid_blocks", id="text-without-section"),
        pytest.param(
            build_rich_text({"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "x"}]}),
            "invalid_blocks",
            id="item-without-section",
        ),
        pytest.param(
            build_rich_text(
                {
                    "type": "rich_text_list",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
                }
            ),
            "invalid_blocks",
            id="list-without-style",
        ),
    ],
)
def test_the_receiver_refuses_what_slack_refuses(
    slack_receiver: SlackReceiver, payload: dict[str, object], reason_text: str
) -> None:
    """The fake receiver refuses payloads beyond Slack's limits, and rich text that Slack does not document."""
    with pytest.raises(ChannelRefusedError, match=f"{reason_text}: Slack rejected the message format"):
        post_payload(slack_receiver.make_webhook(CANARY), payload)

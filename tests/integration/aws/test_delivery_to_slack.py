"""What the receiver of a webhook answers, and what becomes of the message."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_auditor.adapters.webhooks import SlackWebhooks
from backup_auditor.domain.notifications.digest import create_digest
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, SecretError
from backup_auditor.rendering.slack import build_slack_payload
from support.builders.notifications import KEPT, SLACK, found, told
from support.certificates import authority, serving_context
from support.proxies import encrypting
from support.raw_server import answering
from support.slack_server import FORBIDDEN, LOST, NO_SERVICE, UNAVAILABLE, Answer, Receiver, busy, receiving

SECRET = "backup-auditor/slack"  # noqa: S105  its name
CANARY = "T0CANARY/B0CANARY/" + "x" * 24
PAYLOAD = {"text": "hello"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listen while the test lasts."""
    with receiving() as it:
        yield it


def post_to(webhook: str, payload: dict[str, object] | None = None, seconds: float = 5.0) -> None:
    """Post to a webhook that a secret holds."""
    SlackWebhooks(lambda _: webhook).post(SECRET, payload or PAYLOAD, seconds)


def failure_at(webhook: str, seconds: float = 5.0) -> DeliveryError:
    """Post in vain, and return why; the webhook is in no part of it."""
    with pytest.raises(DeliveryError) as caught:
        post_to(webhook, seconds=seconds)
    failure: BaseException | None = caught.value
    while failure is not None:
        assert "CANARY" not in repr(failure)
        assert failure.__cause__ is None
        failure = None if failure.__suppress_context__ else failure.__context__
    return caught.value


def test_a_digest_is_posted(receiver: Receiver) -> None:
    """Its blocks are within Slack's limits, and its names are what they were."""
    report = told(*(found(f"<!channel> {number}") for number in range(500)))
    (message,) = create_messages(report, KEPT, (SLACK,), None)
    post_to(
        receiver.webhook(CANARY),
        dict(build_slack_payload(create_digest(report, message, SLACK, build_link=lambda _: None))),
    )
    ((path, payload),) = receiver.posted
    assert path == f"/services/{CANARY}"
    assert "<!channel>" not in str(payload)


@pytest.mark.parametrize(
    "answer,kind",
    [
        pytest.param(NO_SERVICE, ChannelRefusedError, id="no-service"),
        pytest.param(FORBIDDEN, ChannelRefusedError, id="forbidden"),
        pytest.param(Answer(400, "invalid_blocks"), ChannelRefusedError, id="invalid"),
        pytest.param(Answer(410, "channel_is_archived"), ChannelRefusedError, id="archived"),
        pytest.param(Answer(302, "", {"Location": "http://127.0.0.1:1/"}), ChannelRefusedError, id="redirect"),
        pytest.param(UNAVAILABLE, DeliveryError, id="unavailable"),
        pytest.param(Answer(520, "<html>oh</html>"), DeliveryError, id="gateway"),
        pytest.param(Answer(501, ""), ChannelRefusedError, id="not-implemented"),
        pytest.param(busy(7), DeliveryError, id="busy"),
        pytest.param(LOST, AcceptanceUnknownError, id="lost"),
    ],
)
def test_what_is_answered_says_what_to_do(receiver: Receiver, answer: Answer, kind: type[DeliveryError]) -> None:
    """What may pass is told from what will not, and from what nobody knows; each is asked once."""
    receiver.answers = [answer]
    error = failure_at(receiver.webhook(CANARY))
    assert type(error) is kind
    assert SECRET in str(error)
    assert len(receiver.asked) == 1
    assert error.retry_after == (7 if answer.status == 429 else None)


def test_a_refusal_repeats_no_more_than_a_word(receiver: Receiver) -> None:
    """An answer that is none of Slack's words may hold anything, the webhook too."""
    receiver.answers = [Answer(403, f"no: {CANARY}"), Answer(404, "no_service")]
    assert "no:" not in str(failure_at(receiver.webhook(CANARY)))
    assert "no_service" in str(failure_at(receiver.webhook(CANARY)))


def test_an_answer_that_comes_too_late_leaves_the_outcome_open(receiver: Receiver) -> None:
    """It may have been posted, and nobody may say otherwise."""
    receiver.answers = [Answer(is_taken=True, seconds=3)]
    assert isinstance(failure_at(receiver.webhook(CANARY), seconds=0.2), AcceptanceUnknownError)


def test_an_answer_that_breaks_off_after_its_status_is_an_answer() -> None:
    """What was accepted is accepted."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\no") as (port, _):
        post_to(f"http://127.0.0.1:{port}/services/{CANARY}")


@pytest.mark.parametrize("answer", [b"", b"\x00\x01", b"HTTP/1.1 abc\r\n\r\n"])
def test_an_answer_that_is_none_leaves_the_outcome_open(answer: bytes) -> None:
    """The request was heard, and nobody knows what came of it."""
    with answering(answer) as (port, _):
        error = failure_at(f"http://127.0.0.1:{port}/services/{CANARY}", seconds=0.5)
    assert isinstance(error, AcceptanceUnknownError)


def test_a_host_that_cannot_be_reached_was_sent_nothing() -> None:
    """It is safe to send it again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert type(failure_at(f"http://127.0.0.1:{port}/services/{CANARY}")) is DeliveryError


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
def test_a_webhook_that_leads_elsewhere_is_not_followed(webhook: str) -> None:
    """Nobody but Slack is told anything; the secret is named, and what it holds is not."""
    error = failure_at(f"{webhook}{CANARY}" if webhook else "")
    assert isinstance(error, ChannelRefusedError)
    assert re.search(r"the secret backup-auditor/slack holds no webhook of Slack", str(error))


def test_a_secret_that_cannot_be_read_is_its_own_error() -> None:
    """Nothing is asked of Slack."""

    def unreadable(name: str) -> str:
        raise SecretError(f"the secret {name} is empty")

    with pytest.raises(SecretError):
        SlackWebhooks(unreadable).post(SECRET, PAYLOAD, 5.0)


def test_the_webhook_is_trusted_by_the_store_that_is_named(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A certificate of a private CA is accepted where SSL_CERT_FILE names the CA; a wrong path is told."""
    store = tmp_path / "corporate.pem"
    store.write_bytes(authority().pem)
    with encrypting(receiver.port, serving_context(tmp_path, "127.0.0.1")) as port:
        webhook = f"https://127.0.0.1:{port}/services/{CANARY}"
        assert "the operating system's certificate store" in str(failure_at(webhook))
        monkeypatch.setenv("SSL_CERT_FILE", str(store))
        post_to(webhook)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
        assert "no such file" in str(failure_at(webhook))
    assert len(receiver.posted) == 1


def test_a_certificate_that_is_not_trusted_ends_it(receiver: Receiver, tmp_path: Path) -> None:
    """The webhook is not told to whoever answers in Slack's place."""
    with encrypting(receiver.port, serving_context(tmp_path, "127.0.0.1")) as port:
        error = failure_at(f"https://127.0.0.1:{port}/services/{CANARY}")
    assert isinstance(error, ChannelRefusedError)
    assert "certificate" in str(error)
    assert receiver.asked == []


def test_the_receiver_refuses_what_slack_refuses(receiver: Receiver) -> None:
    """A payload beyond a limit is answered 400."""
    too_many: dict[str, object] = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}] * 51}
    too_long: dict[str, object] = {"text": "x" * 13_001}
    empty: dict[str, object] = {"attachments": []}
    for payload, word in ((too_many, "invalid_blocks"), (too_long, "msg_too_long"), (empty, "no_text")):
        with pytest.raises(ChannelRefusedError, match=word):
            post_to(receiver.webhook(CANARY), payload)

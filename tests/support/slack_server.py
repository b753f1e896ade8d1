"""A receiver of incoming webhooks on loopback, which refuses what Slack refuses."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

MAX_BLOCKS = 50
MAX_TEXT_LENGTHS = {"header": 150, "section": 3000, "context": 3000}
MAX_ELEMENTS = 10
MAX_CHARACTERS = 13_000
TEXT_TYPES = {"header": {"plain_text"}, "section": {"plain_text", "mrkdwn"}, "context": {"plain_text", "mrkdwn"}}
TEXT_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


@dataclass(frozen=True)
class SlackAnswer:
    """What a request is answered, once it was looked at."""

    status: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_posted: bool = False
    """Whether the message was posted, whatever the answer says."""
    is_lost: bool = False
    """Whether the connection is closed in place of an answer."""
    delay_seconds: float = 0.0
    """How late it comes."""


ACCEPTED_ANSWER = SlackAnswer(is_posted=True)
LOST_ANSWER = SlackAnswer(is_posted=True, is_lost=True)
UNAVAILABLE_ANSWER = SlackAnswer(503, "service_unavailable")
NO_SERVICE_ANSWER = SlackAnswer(404, "no_service")
FORBIDDEN_ANSWER = SlackAnswer(403, "action_prohibited")


def make_busy_answer(seconds: int) -> SlackAnswer:
    """Ask to be left alone for so long."""
    return SlackAnswer(429, "rate_limited", {"Retry-After": str(seconds)})


@dataclass
class SlackReceiver:
    """Where webhooks lead, and what was posted there."""

    port: int = 0
    posted_messages: list[tuple[str, Any]] = field(default_factory=list)
    """Path and payload of each message that is in its channel now."""
    requested_paths: list[str] = field(default_factory=list)
    """The path of each request, whatever became of it."""
    answers: list[SlackAnswer] = field(default_factory=list)
    """What the next requests are answered, where their payloads are well."""
    choose_answer: Callable[[str, bytes], SlackAnswer | None] = field(default=lambda _path, _body: None)
    """Chooses an answer where none is listed."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def make_webhook(self, name: str) -> str:
        """Return a webhook that leads here."""
        return f"http://127.0.0.1:{self.port}/services/{name}"

    def accept(self, path: str, content_type: str, body: bytes) -> SlackAnswer:
        """Look at a request as Slack does, and choose what it is answered."""
        with self._lock:
            self.requested_paths.append(path)
            refusal, payload = find_refusal(content_type, body)
            if refusal is not None:
                return refusal
            answer = (
                (self.answers.pop(0) if self.answers else None) or self.choose_answer(path, body) or ACCEPTED_ANSWER
            )
            if answer.is_posted:
                self.posted_messages.append((path, payload))
            return answer


def find_refusal(content_type: str, body: bytes) -> tuple[SlackAnswer | None, Any]:
    """Return how Slack refuses a body, `None` where it does not, and the payload."""
    try:
        payload = json.loads(body.decode())
    except ValueError:
        return SlackAnswer(400, "invalid_payload"), None
    if not content_type.startswith("application/json") or not isinstance(payload, dict):
        return SlackAnswer(400, "invalid_payload"), None
    if not payload.get("text") and not payload.get("blocks"):
        return SlackAnswer(400, "no_text"), None
    blocks = payload.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > MAX_BLOCKS or not all(map(_is_block, blocks)):
        return SlackAnswer(400, "invalid_blocks"), None
    if sum(map(_count_characters, iterate_texts(payload))) > MAX_CHARACTERS:
        return SlackAnswer(400, "msg_too_long"), None
    return None, payload


def iterate_texts(payload: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of a payload."""
    yield payload.get("text", "")
    for block in payload.get("blocks", []):
        for text in _list_text_objects(block):
            yield text["text"]


def _list_text_objects(block: Mapping[str, Any]) -> list[Any]:
    texts = block.get("elements") if block.get("type") == "context" else [block.get("text")]
    return texts if isinstance(texts, list) else [None]


def _is_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in MAX_TEXT_LENGTHS or block.keys() - {"type", "block_id", "elements" if kind == "context" else "text"}:
        return False
    texts = _list_text_objects(block)
    return 0 < len(texts) <= MAX_ELEMENTS and all(_is_text(it, kind) for it in texts)


def _is_text(text: Any, kind: str) -> bool:
    if not isinstance(text, dict) or text.get("type") not in TEXT_TYPES[kind]:
        return False
    is_known = not text.keys() - TEXT_KEYS[text["type"]]
    content = text.get("text")
    return is_known and isinstance(content, str) and 0 < _count_characters(content) <= MAX_TEXT_LENGTHS[kind]


def _count_characters(text: str) -> int:
    """Count as JavaScript does, where the most is counted."""
    return len(text.encode("utf-16-le")) // 2


@contextmanager
def serve_slack() -> Iterator[SlackReceiver]:
    """Listen on loopback while the context lasts."""
    receiver = SlackReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout: ClassVar[float] = 30

        def do_POST(self) -> None:
            """Answer a request."""
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            answer = receiver.accept(self.path, self.headers.get("Content-Type", ""), body)
            if is_over.wait(answer.delay_seconds) or answer.is_lost:
                self.close_connection = True
                return
            content = answer.text.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    is_over = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            is_over.set()
            server.shutdown()
            thread.join()

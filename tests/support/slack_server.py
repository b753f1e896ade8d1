"""A receiver of incoming webhooks on loopback, which refuses what Slack refuses."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

MOST_BLOCKS = 50
MOST_IN = {"header": 150, "section": 3000, "context": 3000}
MOST_ELEMENTS = 10
MOST_CHARACTERS = 13_000
TYPES_OF_TEXT = {"header": {"plain_text"}, "section": {"plain_text", "mrkdwn"}, "context": {"plain_text", "mrkdwn"}}
KEYS_OF_TEXT = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


@dataclass(frozen=True)
class Answer:
    """What a request is answered, once it was looked at."""

    status: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_taken: bool = False
    """Whether the message was posted, whatever the answer says."""
    is_lost: bool = False
    """Whether the connection is closed in place of an answer."""
    seconds: float = 0.0
    """How late it comes."""


OK = Answer(is_taken=True)
LOST = Answer(is_taken=True, is_lost=True)
UNAVAILABLE = Answer(503, "service_unavailable")
NO_SERVICE = Answer(404, "no_service")
FORBIDDEN = Answer(403, "action_prohibited")


def busy(seconds: int) -> Answer:
    """Ask to be left alone for so long."""
    return Answer(429, "rate_limited", {"Retry-After": str(seconds)})


@dataclass
class Receiver:
    """Where webhooks lead, and what was posted there."""

    port: int = 0
    posted: list[tuple[str, Any]] = field(default_factory=list)
    """Path and payload of each message that somebody can read now."""
    asked: list[str] = field(default_factory=list)
    """The path of each request, whatever became of it."""
    answers: list[Answer] = field(default_factory=list)
    """What the next requests are answered, where their payloads are well."""
    answer_for: Callable[[str, bytes], Answer | None] = field(default=lambda _path, _body: None)
    """Chooses an answer where none is listed."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def webhook(self, name: str) -> str:
        """Return a webhook that leads here."""
        return f"http://127.0.0.1:{self.port}/services/{name}"

    def take(self, path: str, content_type: str, body: bytes) -> Answer:
        """Look at a request as Slack does, and choose what it is answered."""
        with self._lock:
            self.asked.append(path)
            refusal, payload = refusal_of(content_type, body)
            if refusal is not None:
                return refusal
            answer = (self.answers.pop(0) if self.answers else None) or self.answer_for(path, body) or OK
            if answer.is_taken:
                self.posted.append((path, payload))
            return answer


def refusal_of(content_type: str, body: bytes) -> tuple[Answer | None, Any]:
    """Return how Slack refuses a body, `None` where it does not, and the payload."""
    try:
        payload = json.loads(body.decode())
    except ValueError:
        return Answer(400, "invalid_payload"), None
    if not content_type.startswith("application/json") or not isinstance(payload, dict):
        return Answer(400, "invalid_payload"), None
    if not payload.get("text") and not payload.get("blocks"):
        return Answer(400, "no_text"), None
    blocks = payload.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS or not all(map(_is_block, blocks)):
        return Answer(400, "invalid_blocks"), None
    if sum(map(_length, texts_of(payload))) > MOST_CHARACTERS:
        return Answer(400, "msg_too_long"), None
    return None, payload


def texts_of(payload: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of a payload."""
    yield payload.get("text", "")
    for block in payload.get("blocks", []):
        for text in _texts(block):
            yield text["text"]


def _texts(block: Mapping[str, Any]) -> list[Any]:
    texts = block.get("elements") if block.get("type") == "context" else [block.get("text")]
    return texts if isinstance(texts, list) else [None]


def _is_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in MOST_IN or block.keys() - {"type", "block_id", "elements" if kind == "context" else "text"}:
        return False
    texts = _texts(block)
    return 0 < len(texts) <= MOST_ELEMENTS and all(_is_text(it, kind) for it in texts)


def _is_text(text: Any, kind: str) -> bool:
    if not isinstance(text, dict) or text.get("type") not in TYPES_OF_TEXT[kind]:
        return False
    is_known = not text.keys() - KEYS_OF_TEXT[text["type"]]
    words = text.get("text")
    return is_known and isinstance(words, str) and 0 < _length(words) <= MOST_IN[kind]


def _length(text: str) -> int:
    """Count as JavaScript does, where the most is counted."""
    return len(text.encode("utf-16-le")) // 2


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on loopback while the context lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout: ClassVar[float] = 30

        def do_POST(self) -> None:
            """Answer a request."""
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            answer = receiver.take(self.path, self.headers.get("Content-Type", ""), body)
            if is_over.wait(answer.seconds) or answer.is_lost:
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

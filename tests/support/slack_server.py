"""A receiver of incoming webhooks on loopback, which rejects what Slack rejects."""

import json
import re
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
"""The limit for the fallback text, and for all blocks as JSON. Slack documents neither; larger messages failed."""
MAX_URL_LENGTH = 3000
MAX_INDENT = 8
TEXT_TYPES = {"header": {"plain_text"}, "section": {"plain_text", "mrkdwn"}, "context": {"plain_text", "mrkdwn"}}
TEXT_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}
RICH_KEYS = {
    "rich_text": {"type", "elements", "block_id"},
    "rich_text_section": {"type", "elements"},
    "rich_text_list": {"type", "elements", "style", "indent", "offset", "border"},
    "rich_text_preformatted": {"type", "elements", "border", "language"},
    "text": {"type", "text", "style"},
    "link": {"type", "url", "text", "unsafe", "style"},
}
"""The keys of rich text by type, as Slack documents them. Mentions, emoji and dates are refused: digests have none."""
RICH_CHILDREN = {
    "rich_text": {"rich_text_section", "rich_text_list", "rich_text_preformatted"},
    "rich_text_section": {"text", "link"},
    "rich_text_list": {"rich_text_section"},
    "rich_text_preformatted": {"text", "link"},
}
TEXT_STYLES = {"bold", "italic", "strike", "code"}


@dataclass(frozen=True)
class SlackAnswer:
    """The answer to a valid request."""

    status: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_posted: bool = False
    """Whether the message is posted, regardless of the status."""
    is_lost: bool = False
    """Whether the connection is closed instead of an answer."""
    delay_seconds: float = 0.0
    """The delay of the answer."""


ACCEPTED_ANSWER = SlackAnswer(is_posted=True)
LOST_ANSWER = SlackAnswer(is_posted=True, is_lost=True)
UNAVAILABLE_ANSWER = SlackAnswer(503, "service_unavailable")
NO_SERVICE_ANSWER = SlackAnswer(404, "no_service")
FORBIDDEN_ANSWER = SlackAnswer(403, "action_prohibited")


def make_busy_answer(seconds: int) -> SlackAnswer:
    """Return the answer of a rate limit with this retry delay."""
    return SlackAnswer(429, "rate_limited", {"Retry-After": str(seconds)})


@dataclass
class SlackReceiver:
    """The target of webhooks, with the posted messages."""

    port: int = 0
    posted_messages: list[tuple[str, Any]] = field(default_factory=list)
    """Path and payload of each posted message."""
    requested_paths: list[str] = field(default_factory=list)
    """The path of each request, accepted or rejected."""
    answers: list[SlackAnswer] = field(default_factory=list)
    """The answers to the next valid requests."""
    choose_answer: Callable[[str, bytes], SlackAnswer | None] = field(default=lambda _path, _body: None)
    """The function that chooses an answer when `answers` is empty."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def make_webhook(self, name: str) -> str:
        """Return the URL of a webhook of this receiver."""
        return f"http://127.0.0.1:{self.port}/services/{name}"

    def accept(self, path: str, content_type: str, body: bytes) -> SlackAnswer:
        """Check a request as Slack does, and return the answer."""
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
    """Return the answer with which Slack rejects a body, or `None`, and the payload."""
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
    lengths = {
        "msg_too_long": _count_characters(payload.get("text", "")),
        "msg_blocks_too_long": _count_characters(json.dumps(blocks, separators=(",", ":"), ensure_ascii=False)),
    }
    error = next((it for it, length in lengths.items() if length > MAX_CHARACTERS), None)
    return (None, payload) if error is None else (SlackAnswer(400, error), None)


def iterate_texts(payload: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of a payload."""
    yield payload.get("text", "")
    for block in payload.get("blocks", []):
        for text in iterate_elements(block) if block["type"] == "rich_text" else _list_text_objects(block):
            yield text["text"]


def iterate_elements(rich_text: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the texts and links of a block of rich text, or of a part of it."""
    for element in rich_text["elements"]:
        if "elements" in element:
            yield from iterate_elements(element)
        else:
            yield element


def _list_text_objects(block: Mapping[str, Any]) -> list[Any]:
    texts = block.get("elements") if block.get("type") == "context" else [block.get("text")]
    return texts if isinstance(texts, list) else [None]


def _is_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "rich_text":
        return _is_rich_text(block, {"rich_text"})
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


def _is_rich_text(element: Any, kinds: set[str]) -> bool:
    """Return whether an element has one of these types, the keys of that type, and valid parts."""
    if not isinstance(element, dict) or element.get("type") not in kinds or element.keys() - RICH_KEYS[element["type"]]:
        return False
    kind = element["type"]
    if kind in RICH_CHILDREN:
        parts = element.get("elements")
        are_parts_valid = (
            isinstance(parts, list) and bool(parts) and all(_is_rich_text(it, RICH_CHILDREN[kind]) for it in parts)
        )
        return are_parts_valid and _has_valid_layout(element)
    style, url = element.get("style", {}), element.get("url", "")
    is_styled = isinstance(style, dict) and not style.keys() - TEXT_STYLES and all(it is True for it in style.values())
    is_linked = kind == "text" or (isinstance(url, str) and re.fullmatch(r"https?://[!-~]+", url) is not None)
    text = element.get("text")
    return is_styled and is_linked and len(url) <= MAX_URL_LENGTH and isinstance(text, str) and bool(text)


def _has_valid_layout(element: Mapping[str, Any]) -> bool:
    if element["type"] == "rich_text_list" and element.get("style") not in {"bullet", "ordered"}:
        return False
    return element.get("border", 0) in {0, 1} and element.get("indent", 0) in range(MAX_INDENT + 1)


def _count_characters(text: str) -> int:
    """Return the number of UTF-16 code units, which is the highest of the possible counts."""
    return len(text.encode("utf-16-le")) // 2


@contextmanager
def serve_slack() -> Iterator[SlackReceiver]:
    """Serve webhooks on loopback while the context lasts."""
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
            """Log nothing."""

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

"""The template engine, which alone writes markup: whatever text it is given is escaped. It is imported on first use."""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from backup_auditor.rendering.text import plain

if TYPE_CHECKING:
    from jinja2 import Template

_PAGE = "page.html.jinja"


@cache
def page_template() -> "Template":
    """Return the page's template, compiled."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415  an audit that draws no page pays nothing

    environment = Environment(
        autoescape=True,
        finalize=_printable,
        loader=DictLoader({it: read(it) for it in (_PAGE, "parts.html.jinja")}),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(_PAGE)


@cache
def read(name: str) -> str:
    """Return the text of a file of this package."""
    return files("backup_auditor.rendering.html").joinpath(name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """Return what a Content-Security-Policy calls a style or a script by."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _printable(value: object) -> object:
    """Let nothing in a name move a cursor or turn the direction of what follows."""
    return plain(value) if type(value) is str else value

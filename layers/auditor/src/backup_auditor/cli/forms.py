"""Writes reports in the form that was asked for. What writes a form for machines is imported when it is asked for."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import chain
from shlex import join

from backup_auditor.cli.output import is_coloured, lines, terminal_width
from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.report import Report
from backup_auditor.rendering.as_json import render_json
from backup_auditor.rendering.as_table import render_table

WITH_TIMELINES = ("json", "html")
"""The forms that show the nights of each index."""
_ALL_IN_ONE = ("csv", "junit", "sarif", "ocsf", "html")
"""The forms that have room for many reports in one document."""


def written(reports: Iterable[Report], arguments: Namespace, *, is_file: bool, number: int = 1) -> Iterable[str]:
    """Write reports, at most so many, as the flags want them; into a file no width and no colours."""
    form = arguments.format
    in_full = _in_full(arguments)
    if form in _ALL_IN_ONE:
        return _all_in_one(reports, form, in_full, is_file=is_file)
    if form == "markdown" and number > 1:
        markdown = import_module("backup_auditor.rendering.as_markdown")
        return lines(markdown.render_markdown_of_many(reports, number, in_full=in_full))
    pages = (_page(report, form, in_full, is_file=is_file) for report in reports)
    return _array(pages) if form == "json" and arguments.registry is not None else _apart(pages)


def _in_full(arguments: Namespace) -> str:
    """Return the command that shows of the same project, under the same policy, what a form folds."""
    words = ["backup-auditor", "audit"]
    for flag in ("registry", "policy", "project", "inventory", "state", "now"):
        value = getattr(arguments, flag)
        if value is not None:
            words += [f"--{flag}", value]
    if arguments.save_inventory is not None:
        words += ["--inventory", arguments.save_inventory]
    if arguments.no_state:
        words.append("--no-state")
    return join([*words, "--format", "json"])


def _all_in_one(reports: Iterable[Report], form: str, in_full: str, *, is_file: bool) -> Iterable[str]:
    package = "backup_auditor.rendering"
    module = import_module(f"{package}.html.document" if form == "html" else f"{package}.as_{form}")
    pieces: Iterable[str]
    match form:
        case "csv":
            pieces = chain([module.BYTE_ORDER_MARK] if is_file else [], module.render_csv(reports, in_full=in_full))
        case "html":
            pieces = module.render_html(reports)
        case "junit":
            pieces = module.render_junit(reports)
        case "sarif":
            pieces = module.render_sarif(reports, CATALOGUE.all)
        case _:
            pieces = module.render_ocsf(reports, CATALOGUE.all)
    return pieces


def _page(report: Report, form: str, in_full: str, *, is_file: bool) -> Iterable[str]:
    if form == "json":
        return render_json(report)
    if form == "markdown":
        markdown = import_module("backup_auditor.rendering.as_markdown")
        pieces: Iterable[str] = markdown.render_markdown(report, in_full=in_full)
        return lines(pieces)
    if is_file:
        return lines(render_table(report, in_full=in_full))
    return lines(render_table(report, width=terminal_width(), is_coloured=is_coloured(), in_full=in_full))


def _apart(pages: Iterable[Iterable[str]]) -> Iterator[str]:
    separator = ""
    for page in pages:
        yield separator
        yield from page
        separator = "\n\n"


def _array(pages: Iterable[Iterable[str]]) -> Iterator[str]:
    separator = "[\n"
    for page in pages:
        yield separator
        yield from page
        separator = ",\n"
    yield "\n]" if separator != "[\n" else "[]"

"""Writes reports in the form that was asked for. What writes a form for machines is imported when it is asked for."""

from collections.abc import Iterable, Iterator
from importlib import import_module

from backup_auditor.cli.output import is_coloured, lines, terminal_width
from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.report import Report
from backup_auditor.rendering.as_json import render_json
from backup_auditor.rendering.as_table import render_table

_ALL_IN_ONE = ("csv", "junit", "sarif", "ocsf")
"""The forms that have room for many reports in one document."""


def written(reports: Iterable[Report], form: str, *, is_list: bool, is_file: bool) -> Iterable[str]:
    """Write reports one after the other; `is_list` where there may be any number of them."""
    if form in _ALL_IN_ONE:
        return _all_in_one(reports, form)
    pages = (_page(report, form, is_file=is_file) for report in reports)
    return _array(pages) if form == "json" and is_list else _apart(pages)


def _all_in_one(reports: Iterable[Report], form: str) -> Iterable[str]:
    module = import_module(f"backup_auditor.rendering.as_{form}")
    pieces: Iterable[str]
    match form:
        case "csv":
            pieces = module.render_csv(reports)
        case "junit":
            pieces = module.render_junit(reports)
        case "sarif":
            pieces = module.render_sarif(reports, CATALOGUE.all)
        case _:
            pieces = module.render_ocsf(reports, CATALOGUE.all)
    return pieces


def _page(report: Report, form: str, *, is_file: bool) -> Iterable[str]:
    if form == "json":
        return render_json(report)
    if form == "markdown":
        pieces: Iterable[str] = import_module("backup_auditor.rendering.as_markdown").render_markdown(report)
        return lines(pieces)
    if is_file:
        return lines(render_table(report))
    return lines(render_table(report, width=terminal_width(), is_coloured=is_coloured()))


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

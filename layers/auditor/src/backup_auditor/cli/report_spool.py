"""Keeps reports until all are made: what one of them warns of may be known only by the last."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import Self

from backup_auditor.domain.reporting.report import Report

_MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""How many bytes are kept in memory before a temporary file holds them: a large project takes some 2 MB."""


class ReportSpool:
    """Reports in their order. Each is held in a form that is smaller than what it was made of."""

    def __init__(self, *, has_timelines: bool) -> None:
        """Take whether the nights of each index are to be shown: they are most of a report."""
        self._file = SpooledTemporaryFile(_MAX_MEMORY_BYTES)  # noqa: SIM115  closed with the spool
        self._has_timelines = has_timelines
        self.count = 0
        """How many reports it holds."""

    def __enter__(self) -> Self:
        """Hold no report yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what is held."""
        self._file.close()

    def add(self, report: Report) -> None:
        """Keep a report."""
        timelines = tuple(report.timelines) if self._has_timelines else ()
        pickle.dump(replace(report, timelines=timelines), self._file, pickle.HIGHEST_PROTOCOL)
        self.count += 1

    def read_reports(self, warnings: Mapping[str, tuple[str, ...]]) -> Iterator[Report]:
        """Return the reports, each with the warnings of its project."""
        self._file.seek(0)
        for _ in range(self.count):
            report: Report = pickle.load(self._file)  # noqa: S301  this very process wrote it
            yield report.with_warnings(*warnings.get(report.project, ()))

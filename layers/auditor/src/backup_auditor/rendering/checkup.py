"""The checks of `doctor` as a table and as JSON."""

import json
from collections.abc import Iterator, Sequence

from backup_auditor.domain.checkup import Check, CheckStatus, build_check_json, count_checks
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.rendering.text import escape_text, format_columns, wrap_text

_STATUS_WIDTH = max(map(len, CheckStatus))


def render_checks_table(checks: Sequence[Check], width: int) -> Iterator[str]:
    """Show a line with the counts, and each check with its detail and its remedy."""
    counts = ", ".join(f"{count_checks(checks, it):,} {it}" for it in CheckStatus)
    yield from wrap_text(f"{len(checks):,} checks: {counts}", width, "  ")
    yield ""
    rows: list[tuple[str, str]] = []
    for check in checks:
        rows.append((f"{check.status:{_STATUS_WIDTH}}  {escape_text(check.label)}", escape_text(check.detail)))
        if check.remedy is not None:
            rows.append(("", f"Remedy: {escape_text(check.remedy)}"))
    yield from format_columns(rows, width)


def render_checks_json(checks: Sequence[Check], stack: str | None) -> str:
    """Show every check as one JSON document."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "stack": stack,
        "summary": {str(it): count_checks(checks, it) for it in CheckStatus},
        "checks": [{"function": it.function, **build_check_json(it)} for it in checks],
    }
    return json.dumps(document, indent=1)

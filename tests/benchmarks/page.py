"""Measure the rendering time, the memory and the size of a page, and the time until a browser can filter it."""

import gc
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Listing, list_rows
from backup_auditor.domain.model import Backup
from backup_auditor.domain.reporting.report import Report, make_report
from backup_auditor.rendering.html.page import render_html
from benchmarks.evaluation import build_inventory
from benchmarks.figures import Figure
from support.browser import CHROMIUM, start_browser

NIGHTS = 30
INDEX_COUNT = 200
MAX_SECONDS, MAX_MEMORY_MB = 0.5, 100
ROUNDS = 5
LIMITS_BY_INDEX_COUNT = {200: (1.5, 1.0), 2_000: (10.0, 3.0)}
"""The maximum size of a page in MB and the maximum seconds until it can be filtered, by number of indexes."""
BYTES_PER_KIB, BYTES_PER_MB = 1024, 1_000_000
_FILTER_SCRIPT = """() => new Promise(done => {
  const form = document.querySelector(".filters");
  const filtered = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000)));
  new MutationObserver(filtered).observe(form.querySelector("output"), {childList: true});
  form.elements.namedItem("severity").value = "critical";
  form.dispatchEvent(new Event("input"));
})"""


def measure() -> list[Figure]:
    """Measure the rendering in a new process, and the pages in a browser if one is installed."""
    process = subprocess.run([sys.executable, "-m", "benchmarks.page"], capture_output=True, text=True, check=True)
    median_seconds, first_seconds, memory_mb = map(float, process.stdout.split())
    label = f"page of {INDEX_COUNT} indexes, {NIGHTS} nights"
    value = f"{median_seconds:.2f} s ({first_seconds:.2f} s the first time)"
    figures = [
        Figure(f"{label}: drawing", f"< {MAX_SECONDS} s of CPU", value, first_seconds < MAX_SECONDS),
        Figure(f"{label}: memory", f"< {MAX_MEMORY_MB} MB", f"{memory_mb:.0f} MB more", memory_mb < MAX_MEMORY_MB),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for indexes, (max_mb, max_seconds) in LIMITS_BY_INDEX_COUNT.items():
            path = Path(folder) / f"{indexes}.html"
            path.write_text("".join(render_html([build_neglected_report(indexes)])), encoding="utf-8")
            size_mb, label = path.stat().st_size / BYTES_PER_MB, f"page of {indexes:,} indexes, all neglected"
            figures.append(Figure(f"{label}: size", f"< {max_mb:g} MB", f"{size_mb:.2f} MB", size_mb < max_mb))
            if CHROMIUM is not None:
                seconds = _measure_seconds_to_use(path)
                figures.append(
                    Figure(
                        f"{label}: filtered, from opening",
                        f"< {max_seconds:g} s",
                        f"{seconds:.2f} s",
                        seconds < max_seconds,
                    )
                )
    return figures


def build_neglected_report(indexes: int) -> Report:
    """Build a report of a project whose schedules stopped, with a retention that is too short; a quarter are paused."""
    healthy = build_inventory(indexes, NIGHTS)
    stopped_at = healthy.observed_at - timedelta(days=4)
    inventory = replace(
        healthy,
        indexes=tuple(_break_schedules(it, is_enabled=bool(number % 4)) for number, it in enumerate(healthy.indexes)),
        backups=_keep_rows_before(healthy.backups, stopped_at),
        histories={key: _keep_rows_before(it, stopped_at) for key, it in healthy.histories.items()},
    )
    policy = load_built_in_policy()
    return make_report(inventory, policy, evaluate_controls(inventory, policy, CATALOG))


def _break_schedules(facts: IndexFacts, *, is_enabled: bool) -> IndexFacts:
    rows = (
        replace(schedule, enabled=is_enabled, next_run=None, retention=timedelta(days=6))
        for schedule in list_rows(facts.schedules)
    )
    return replace(facts, schedules=Listing(tuple(rows), read_count=2))


def _keep_rows_before(listing: Listing[Backup], moment: datetime) -> Listing[Backup]:
    return Listing(tuple(it for it in listing.rows if it.scheduled_for and it.scheduled_for < moment), read_count=2)


def _measure_seconds_to_use(path: Path) -> float:
    """Return the median seconds from opening a page until its filtered findings are drawn."""
    seconds = []
    with start_browser() as browser:
        for _ in range(ROUNDS):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector(".filters:not([hidden])")
            seconds.append(float(page.evaluate(_FILTER_SCRIPT)))
            page.close()
    return median(seconds)


def _measure_drawing() -> None:
    """Print the median seconds of rendering, the seconds of the first time, and the MB added to the process."""
    report = build_neglected_report(INDEX_COUNT)
    gc.collect()
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(ROUNDS):
        started_at = time.process_time()
        for _ in render_html([report]):
            pass
        seconds.append(time.process_time() - started_at)
    memory_after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(median(seconds), seconds[0], (memory_after - memory_before) * BYTES_PER_KIB / BYTES_PER_MB)


if __name__ == "__main__":
    _measure_drawing()

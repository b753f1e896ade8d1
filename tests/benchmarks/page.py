"""What a page costs: to draw it, in memory, in size, and in the browser until it can be used."""

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

from backup_auditor.adapters.policy_file.loader import load_built_in_policy
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Listing, list_rows
from backup_auditor.domain.model import Backup
from backup_auditor.domain.reporting.report import Report, make_report
from backup_auditor.rendering.html.page import render_html
from benchmarks.evaluation import fleet
from benchmarks.figures import Figure
from support.browser import CHROMIUM, browsing

NIGHTS = 30
DRAWN = 200
SECONDS, MEMORY_MB = 0.5, 100
ROUNDS = 5
BARS = {200: (1.5, 1.0), 2_000: (10.0, 3.0)}
"""By the number of indexes: how many MB a page may have, and after how many seconds it has to be of use."""
KIB, MB = 1024, 1_000_000
_USED = """() => new Promise(done => {
  const form = document.querySelector(".filters");
  const filtered = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000)));
  new MutationObserver(filtered).observe(form.querySelector("output"), {childList: true});
  form.elements.namedItem("severity").value = "critical";
  form.dispatchEvent(new Event("input"));
})"""


def measure() -> list[Figure]:
    """Measure drawing in a process of its own, and the pages in the browser where there is one."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.drawing"], capture_output=True, text=True, check=True)
    seconds, first, memory = map(float, done.stdout.split())
    what = f"page of {DRAWN} indexes, {NIGHTS} nights"
    shown = f"{seconds:.2f} s ({first:.2f} s the first time)"
    figures = [
        Figure(f"{what}: drawing", f"< {SECONDS} s of CPU", shown, first < SECONDS),
        Figure(f"{what}: memory", f"< {MEMORY_MB} MB", f"{memory:.0f} MB more", memory < MEMORY_MB),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for indexes, (most_mb, most_seconds) in BARS.items():
            path = Path(folder) / f"{indexes}.html"
            path.write_text("".join(render_html([neglected(indexes)])), encoding="utf-8")
            size, what = path.stat().st_size / MB, f"page of {indexes:,} indexes, all neglected"
            figures.append(Figure(f"{what}: size", f"< {most_mb:g} MB", f"{size:.2f} MB", size < most_mb))
            if CHROMIUM is not None:
                spent = _seconds_to_use(path)
                figures.append(
                    Figure(
                        f"{what}: filtered, from opening",
                        f"< {most_seconds:g} s",
                        f"{spent:.2f} s",
                        spent < most_seconds,
                    )
                )
    return figures


def neglected(indexes: int) -> Report:
    """Report on a project in which every schedule stopped running, and keeps too briefly; every fourth is paused."""
    healthy = fleet(indexes, NIGHTS)
    since = healthy.observed_at - timedelta(days=4)
    told = replace(
        healthy,
        indexes=tuple(_amiss(it, is_enabled=bool(number % 4)) for number, it in enumerate(healthy.indexes)),
        backups=_until(healthy.backups, since),
        histories={key: _until(it, since) for key, it in healthy.histories.items()},
    )
    policy = load_built_in_policy()
    return make_report(told, policy, evaluate_controls(told, policy, CATALOG))


def _amiss(facts: IndexFacts, *, is_enabled: bool) -> IndexFacts:
    rows = (
        replace(it, enabled=is_enabled, next_run=None, retention=timedelta(days=6)) for it in list_rows(facts.schedules)
    )
    return replace(facts, schedules=Listing(tuple(rows), read_count=2))


def _until(listing: Listing[Backup], moment: datetime) -> Listing[Backup]:
    return Listing(tuple(it for it in listing.rows if it.scheduled_for and it.scheduled_for < moment), read_count=2)


def _seconds_to_use(path: Path) -> float:
    """Return how long it takes from opening a page until its findings are filtered and drawn, by the median."""
    spent = []
    with browsing() as browser:
        for _ in range(ROUNDS):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector(".filters:not([hidden])")
            spent.append(float(page.evaluate(_USED)))
            page.close()
    return median(spent)


def _draw() -> None:
    """Print how long drawing takes, how long the first time, and how many MB it adds to the process."""
    report = neglected(DRAWN)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in render_html([report]):
            pass
        spent.append(time.process_time() - begun)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(median(spent), spent[0], (after - before) * KIB / MB)


if __name__ == "__main__":
    _draw()

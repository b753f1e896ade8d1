"""Measure how the duration of an audit grows with twice the indexes, each with the same number of backups."""

from contextlib import ExitStack
from functools import partial
from itertools import pairwise

from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.application.audit import run_audit
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.bootstrap.runtime import now
from backup_auditor.settings.pinecone import PineconeSettings, read_settings
from benchmarks.figures import Figure, format_table, measure_alternating, measure_seconds
from simulator_process import run_simulator

MAX_RATIO = 2.2
ROUNDS = 5
INDEX_COUNTS = (200, 400, 800)
BACKUPS_PER_INDEX = 10
LATENCY_SECONDS = 0.03


class SilentProgress:
    """A progress display that shows nothing."""

    def expect(self, label: str, count: int) -> None:
        """Ignore the count."""

    def advance(self, label: str) -> None:
        """Ignore the step."""


def measure() -> list[Figure]:
    """Compare each size with twice its size by the medians of alternating runs, without the start of a process."""
    with ExitStack() as stack:
        runs = {}
        for index_count in INDEX_COUNTS:
            scenario_name = f"fleet:{index_count}x{BACKUPS_PER_INDEX}"
            settings = read_settings(stack.enter_context(run_simulator(scenario_name, latency=LATENCY_SECONDS)))
            runs[index_count] = partial(measure_seconds, partial(_audit, settings, index_count))
        medians = measure_alternating(runs, ROUNDS)
    ratios = {pair: medians[pair[1]] / medians[pair[0]] for pair in pairwise(INDEX_COUNTS)}
    value = ", ".join(
        f"{small} to {large} indexes {ratio:.2f} × ({medians[small]:.2f} s to {medians[large]:.2f} s)"
        for (small, large), ratio in ratios.items()
    )
    return [Figure("growth: time of twice the project", f"≤ {MAX_RATIO} ×", value, max(ratios.values()) <= MAX_RATIO)]


def _audit(settings: PineconeSettings, index_count: int) -> None:
    with open_project(settings) as reader:
        result = run_audit(
            reader, load_built_in_policy(), project="bench", observed_at=now(), progress=SilentProgress()
        )
    if result.inventory.read_failures or len(result.inventory.indexes) != index_count:
        raise RuntimeError(
            f"the audit read {len(result.inventory.indexes)} indexes; read errors: {result.inventory.read_failures[:3]}"
        )


if __name__ == "__main__":
    print(format_table(measure()))

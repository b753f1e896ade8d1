"""How the time of an audit grows with the project: twice the indexes, each with as many backups."""

from contextlib import ExitStack
from functools import partial
from itertools import pairwise

from backup_auditor.adapters.policy_file.loader import load_built_in_policy
from backup_auditor.application.audit import run_audit
from backup_auditor.bootstrap.local import open_project
from backup_auditor.bootstrap.runtime import now
from backup_auditor.settings.pinecone import PineconeSettings, read_settings
from backup_auditor_simulator.testing import run_simulator
from benchmarks.figures import Figure, alternating, table, timed

BAR = 2.2
ROUNDS = 5
SIZES = (200, 400, 800)
BACKUPS_EACH = 10
LATENCY = 0.03


class Silence:
    """Progress that nobody watches."""

    def expect(self, label: str, count: int) -> None:
        """Expect nothing."""

    def advance(self, label: str) -> None:
        """Do nothing."""


def measure() -> list[Figure]:
    """Compare each size with its double, by medians of alternating runs, without the start of a process."""
    with ExitStack() as stack:
        runs = {}
        for size in SIZES:
            fleet = f"fleet:{size}x{BACKUPS_EACH}"
            settings = read_settings(stack.enter_context(run_simulator(fleet, latency=LATENCY)))
            runs[size] = partial(timed, partial(_audit, settings, size))
        medians = alternating(runs, ROUNDS)
    ratios = {pair: medians[pair[1]] / medians[pair[0]] for pair in pairwise(SIZES)}
    measured = ", ".join(
        f"{small} to {large} indexes {ratio:.2f} × ({medians[small]:.2f} s to {medians[large]:.2f} s)"
        for (small, large), ratio in ratios.items()
    )
    return [Figure("growth: time of twice the project", f"≤ {BAR} ×", measured, max(ratios.values()) <= BAR)]


def _audit(settings: PineconeSettings, indexes: int) -> None:
    with open_project(settings) as reader:
        done = run_audit(reader, load_built_in_policy(), project="bench", observed_at=now(), progress=Silence())
    if done.inventory.read_failures or len(done.inventory.indexes) != indexes:
        raise RuntimeError(
            f"the audit read {len(done.inventory.indexes)} indexes; unread: {done.inventory.read_failures[:3]}"
        )


if __name__ == "__main__":
    print(table(measure()))

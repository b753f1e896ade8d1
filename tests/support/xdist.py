"""The distribution of tests to workers: whole files, those first that take longest."""

import os

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_GROUPED_FILES = (
    "tests/e2e/aws/test_aws_on_loopback.py",
    "tests/e2e/aws/test_doctor.py",
    "tests/e2e/aws/test_drilling.py",
    "tests/e2e/aws/test_nights.py",
    "tests/e2e/aws/test_outages.py",
    "tests/e2e/aws/test_remediating.py",
    "tests/e2e/aws/test_remediating_in_trouble.py",
    "tests/e2e/aws/test_runtime.py",
    "tests/e2e/aws/test_samples.py",
    "tests/e2e/aws/test_stack.py",
    "tests/e2e/aws/test_trouble.py",
)
"""The files with costly shared fixtures: one worker runs all their tests, also in a small selection."""
_BROWSER_FOLDER = "tests/browser/"
"""The folder whose tests one worker runs, with one browser, if the workers get whole files."""
_FOLDERS = ("tests/e2e/aws/", _BROWSER_FOLDER, "tests/e2e/", "tests/integration/", "tests/template/", "tests/unit/")
"""The folders in the order in which their files start; those of other folders start before the unit tests."""
_MIN_FILES_PER_WORKER = 20


def _rank(unit: str) -> int:
    return next((number for number, it in enumerate(_FOLDERS) if unit.startswith(it)), len(_FOLDERS) - 2)


class CostScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """A scheduler that distributes files. Few files, and the long tests of `make soak`, it distributes by tests.

    With thousands of single tests the scheduler itself takes long, and every worker makes the fixtures of every file.
    """

    _has_whole_files = False

    def schedule(self) -> None:
        """Distribute the tests, once all workers have collected them."""
        if self.collection is None:
            files = {_find_file(it) for it in next(iter(self.registered_collections.values()))}
            is_soak = os.environ.get("AUDITOR_SOAK") == "1"
            self._has_whole_files = len(files) >= _MIN_FILES_PER_WORKER * self.numnodes and not is_soak
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        file = _find_file(nodeid)
        if self._has_whole_files and file.startswith(_BROWSER_FOLDER):
            return _BROWSER_FOLDER
        return file if self._has_whole_files or file in _GROUPED_FILES else nodeid

    def _assign_work_unit(self, node: object) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=_rank), last=False)
        super()._assign_work_unit(node)


def _find_file(nodeid: str) -> str:
    return nodeid.partition("::")[0]

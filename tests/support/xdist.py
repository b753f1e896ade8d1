"""The distribution of tests to workers: one worker runs all tests of a file with costly shared fixtures."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_GROUPED_FILES = (
    "tests/e2e/aws/test_aws_on_loopback.py",
    "tests/e2e/aws/test_nights.py",
    "tests/e2e/aws/test_outages.py",
    "tests/e2e/aws/test_remediating.py",
    "tests/e2e/aws/test_remediating_in_trouble.py",
    "tests/e2e/aws/test_runtime.py",
    "tests/e2e/aws/test_samples.py",
    "tests/e2e/aws/test_stack.py",
    "tests/e2e/aws/test_trouble.py",
)


class CostScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """A scheduler that distributes single tests, and starts the files above as a whole first: they take longest."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in _GROUPED_FILES else nodeid

    def _assign_work_unit(self, node: object) -> None:
        first_file = next((it for it in self.workqueue if it in _GROUPED_FILES), None)
        if first_file is not None:
            self.workqueue.move_to_end(first_file, last=False)
        super()._assign_work_unit(node)

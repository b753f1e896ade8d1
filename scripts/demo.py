"""Audit the simulator's neglected project with the real command, for `make demo`."""

import os
import subprocess
import sys
import tempfile

from simulator_process import COMMAND, run_simulator

NOW = "2026-11-02T06:00:00Z"
"""The time of the simulator and of the audit, so that the output is always the same."""
NON_COMPLIANT_EXIT_CODE = 1


def main(scenario: str = "neglected") -> int:
    """Return 0 if the audit found a violation, and 1 if it ended in any other way."""
    with run_simulator(scenario, now=NOW) as environment, tempfile.TemporaryDirectory() as folder:
        base_environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
        print(f"Audit of a {scenario} project that a simulator serves on this machine, as of {NOW}:\n", flush=True)
        command = [str(COMMAND), "audit", "--project", scenario, "--now", NOW, "--no-state"]
        # in a new folder, so that the audit does not use a policy of the reader
        exit_code = subprocess.run(command, cwd=folder, env={**base_environment, **environment}, check=False).returncode
    if exit_code != NON_COMPLIANT_EXIT_CODE:
        print(
            f"The demonstration failed: the audit ended with {exit_code}, not {NON_COMPLIANT_EXIT_CODE}.",
            file=sys.stderr,
        )
        return 1
    print(f"\nExit code {exit_code}: the audit is complete and found violations of the policy.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

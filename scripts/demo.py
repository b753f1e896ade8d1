"""Run the real command against the simulator, for `make demo`: a neglected project, or with `fleet` an organization."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from simulator_process import COMMAND, run_simulator

NOW = "2026-11-02T06:00:00Z"
"""The time of the simulator and of the audits, so that the output is always the same."""
NON_COMPLIANT_EXIT_CODE = 1
REGISTRY = """\
version: 1
defaults:
  key_env: "PINECONE_API_KEY_{NAME}"
ignore:
  - {project: playground, owner: search-team, reason: nothing to back up, expires: 2999-12-31}
projects:
  - search
  - support
  - catalog
"""
"""The registry of the fleet. The organization has one more project, which is not registered."""


class Step(NamedTuple):
    """A command that has to find something to correct, and what is printed before and after its output."""

    introduction: str
    arguments: Sequence[str]
    conclusion: str


_VIOLATIONS = "the audit is complete and found violations of the policy"
_FLEET_STEPS = (
    Step(
        "Audit of a registry of three projects",
        ("audit", "--registry", "projects.yaml", "--now", NOW),
        _VIOLATIONS,
    ),
    Step(
        "The projects of an organization beside that registry",
        ("registry", "discover", "--registry", "projects.yaml"),
        "a project of the organization is not registered, so nothing audits it",
    ),
)


def main(name: str = "neglected") -> int:
    """Return 0 if each command found what the demonstration shows, and 1 if one ended in any other way."""
    if name == "fleet":
        return _show("organization", _FLEET_STEPS)
    audit = ("audit", "--project", name, "--now", NOW, "--no-state")
    return _show(name, [Step(f"Audit of a {name} project", audit, _VIOLATIONS)])


def _show(scenario: str, steps: Sequence[Step]) -> int:
    """Run commands in a new folder, so that none uses a policy or a state of the reader."""
    with run_simulator(scenario, now=NOW) as environment, tempfile.TemporaryDirectory() as folder:
        Path(folder, "projects.yaml").write_text(REGISTRY, encoding="utf-8")
        base_environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
        variables = {**base_environment, **environment, "XDG_STATE_HOME": folder}
        for number, step in enumerate(steps):
            separator = "\n" if number else ""
            place = "that a simulator serves on this machine, as of"
            print(f"{separator}{step.introduction} {place} {NOW}:\n", flush=True)
            command = [str(COMMAND), *step.arguments]
            exit_code = subprocess.run(command, cwd=folder, env=variables, check=False).returncode
            if exit_code != NON_COMPLIANT_EXIT_CODE:
                reason = f"`{' '.join(step.arguments)}` ended with {exit_code}, not {NON_COMPLIANT_EXIT_CODE}"
                print(f"The demonstration failed: {reason}.", file=sys.stderr)
                return 1
            print(f"\nExit code {exit_code}: {step.conclusion}.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

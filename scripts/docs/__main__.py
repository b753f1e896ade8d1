"""Write the generated parts of every document, and the output of every transcript. `--check` only compares."""

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from docs import command_line, configuration, controls, cost, events, formats, metrics, policy, simulator
from docs.markdown import fill_sections
from docs.messages import fill_messages
from docs.transcripts import BLOCK, run_transcripts
from simulator_process import run_simulator

ROOT = Path(__file__).parents[2]
NOW = "2026-11-02T06:00:00Z"
"""The time of the audits in the transcripts."""
SECTIONS: Mapping[str, Callable[[], str]] = {
    "audit-events": events.describe_audit_events,
    "commands": command_line.describe_commands,
    "common-event-keys": events.list_common_keys,
    "controls": controls.describe_controls,
    "cost": cost.list_costs,
    "cost-drills": cost.list_drill_costs,
    "cost-options": cost.list_cost_options,
    "cost-remediation": cost.list_remediation_costs,
    "cost-summary": cost.describe_cost,
    "csv-columns": formats.list_csv_columns,
    "drill-events": events.describe_drill_events,
    "exit-codes": command_line.list_exit_codes,
    "discovery-event": events.describe_discovery_event,
    "discovery-message-keys": events.list_discovery_message_keys,
    "discovery-message-sample": events.show_discovery_message_sample,
    "failure-event": events.describe_failure_event,
    "failure-message-keys": events.list_failure_message_keys,
    "failure-message-sample": events.show_failure_message_sample,
    "fleet-columns": formats.list_fleet_columns,
    "fleet-keys": formats.list_fleet_keys,
    "fleet-message-keys": events.list_fleet_message_keys,
    "fleet-message-sample": events.show_fleet_message_sample,
    "formats": formats.list_formats,
    "function-variables": configuration.list_function_variables,
    "message-keys": events.list_message_keys,
    "message-sample": events.show_message_sample,
    "metrics": metrics.list_metrics,
    "policy-keys": policy.build_key_table,
    "remediation-events": events.describe_remediation_events,
    "report-keys": formats.list_report_keys,
    "scenarios": simulator.list_scenarios,
    "stack-outputs": configuration.list_stack_outputs,
    "stack-parameters": configuration.list_stack_parameters,
    "test-message-keys": events.list_test_message_keys,
    "test-message-sample": events.show_test_message_sample,
    "variables": configuration.list_variables,
}
"""The function that generates the content of each section."""


def main() -> int:
    """Write the outdated documents, or with `--check` show how they differ and return 1."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("documents", nargs="*", type=Path, help="default: every document")
    arguments = parser.parse_args()
    different = 0
    with ExitStack() as stack:

        @cache
        def read_environment(scenario: str | None) -> Mapping[str, str]:
            if scenario is None:
                simulator = run_simulator("neglected", now=NOW)
            else:  # drills need a clock that runs, and a key that writes
                simulator = run_simulator(scenario, key="drill-key", allows_writes=True)
            return {**stack.enter_context(simulator), "COLUMNS": "110", "NO_COLOR": "1"}

        for path in arguments.documents or sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
            before = path.read_text(encoding="utf-8")
            after = fill_messages(fill_sections(before, SECTIONS))
            if BLOCK.search(after):
                after = run_transcripts(after, read_environment)
            if before != after:
                different += 1
                _settle(path, before, after, is_written=not arguments.check)
    return 1 if different and arguments.check else 0


def _settle(path: Path, before: str, after: str, *, is_written: bool) -> None:
    name = path.resolve().relative_to(ROOT).as_posix()
    if is_written:
        path.write_text(after, encoding="utf-8")
        print(f"wrote {name}")
        return
    print(f"{name} is not current; run make docs:")
    compared = difflib.unified_diff(before.splitlines(), after.splitlines(), "written", "current", n=0, lineterm="")
    print(*compared, sep="\n")


if __name__ == "__main__":
    sys.exit(main())

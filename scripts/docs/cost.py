"""The costs of the stack in docs/operations/cost.md: prices, quantities and their sums."""

from collections.abc import Callable
from typing import NamedTuple

from docs.markdown import table
from docs.template import template

NIGHTS = 30
HOURS = 720
AUDIT_SECONDS = 30
AUDIT_GB = 1.0
SWEEPS, SWEEP_SECONDS, SWEEP_GB = 2880, 0.5, 1.0
WATCHES, WATCH_SECONDS, WATCH_GB = 720, 2, 0.25
ITEMS_WRITTEN = ITEMS_READ = 500
REPORT_MB, REPORT_NIGHTS = 3.7, 400
LOG_MB = 0.2
METRICS_OF_PROJECT, METRICS_OF_STACK = 22, 3

GB_SECOND = 0.0000133334
MILLION_WRITES, MILLION_READS = 0.625, 0.125
S3_GB, SECRET, METRIC, ALARM, DASHBOARD, LOG_GB = 0.023, 0.40, 0.30, 0.10, 3.00, 0.50
MILLION_EVENTS, MILLION_TRACES, MILLION_POLLS = 1.00, 5.00, 0.40
QUEUES, POLLERS, POLL_SECONDS = 2, 5, 20
EVENTS_OF_PROJECT, TRACES_OF_PROJECT = 100, 90


class Row(NamedTuple):
    """One line of the bill: its name, its formula, and dollars per month for a number of projects."""

    what: str
    arithmetic: str
    dollars: Callable[[int], float]


def alarm_metrics() -> tuple[int, int]:
    """Return the number of metrics in the alarms of every stack, and of queries over the metrics of all projects."""
    alarms = [
        it["Properties"]
        for it in template()["Resources"].values()
        if it["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in it
    ]
    metrics = queries = 0
    for alarm in alarms:
        parts = alarm.get("Metrics", [{"MetricStat": {}}])
        metrics += sum("MetricStat" in it for it in parts)
        queries += sum(str(it.get("Expression", "")).startswith("SELECT") for it in parts)
    return metrics, queries


def rows() -> list[Row]:
    """Return the lines of the bill."""
    metrics, queries = alarm_metrics()
    short_runs = SWEEPS * SWEEP_SECONDS * SWEEP_GB + WATCHES * WATCH_SECONDS * WATCH_GB
    runs = SWEEPS + WATCHES + NIGHTS
    polls = QUEUES * POLLERS * HOURS * 3600 // POLL_SECONDS
    items = ITEMS_WRITTEN * MILLION_WRITES + ITEMS_READ * MILLION_READS
    return [
        Row(
            "Lambda, audits",
            f"{NIGHTS} nights × {AUDIT_SECONDS} s × {AUDIT_GB:g} GB × {GB_SECOND:.10f}, per project",
            lambda projects: projects * NIGHTS * AUDIT_SECONDS * AUDIT_GB * GB_SECOND,
        ),
        Row(
            "Lambda, sweeps and overdue checks",
            f"({SWEEPS:,} × {SWEEP_SECONDS} s × {SWEEP_GB:g} GB + {WATCHES} × {WATCH_SECONDS} s × {WATCH_GB} GB)"
            f" × {GB_SECOND:.10f}",
            lambda _: short_runs * GB_SECOND,
        ),
        Row(
            "DynamoDB",
            f"{NIGHTS} nights × ({ITEMS_WRITTEN} writes × {MILLION_WRITES} + {ITEMS_READ} reads × {MILLION_READS})"
            " per million, per project; less than 1 MB stored each",
            lambda projects: projects * NIGHTS * items / 1e6,
        ),
        Row(
            "S3",
            f"{REPORT_NIGHTS} nights × {REPORT_MB} MB × {S3_GB} per GB, per project, from night {REPORT_NIGHTS} on",
            lambda projects: projects * REPORT_NIGHTS * REPORT_MB / 1000 * S3_GB,
        ),
        Row(
            "Secrets Manager",
            f"{SECRET:.2f} per secret: one key per project, and one webhook; nothing for SecureString parameters",
            lambda projects: (projects + 1) * SECRET,
        ),
        Row(
            "CloudWatch metrics",
            f"{METRICS_OF_PROJECT} × {METRIC:.2f} × {NIGHTS} of {HOURS} hours, per project;"
            f" {METRICS_OF_STACK} × {METRIC:.2f} of the hourly check",
            lambda projects: METRIC * (projects * METRICS_OF_PROJECT * NIGHTS / HOURS + METRICS_OF_STACK),
        ),
        Row(
            "CloudWatch alarms",
            f"{metrics} metrics × {ALARM:.2f}; {queries} query × {ALARM:.2f} per project at most",
            lambda projects: ALARM * (metrics + queries * projects),
        ),
        Row("Dashboard", f"{DASHBOARD:.2f}; the first three of an account are free", lambda _: DASHBOARD),
        Row(
            "Logs",
            f"{LOG_MB} MB per night × {LOG_GB:.2f} per GB, per project",
            lambda projects: projects * NIGHTS * LOG_MB / 1000 * LOG_GB,
        ),
        Row(
            "SQS",
            f"{QUEUES} queues × {POLLERS} pollers of Lambda × {HOURS} hours, one poll every {POLL_SECONDS} s, × "
            f"{MILLION_POLLS:.2f} per million",
            lambda _: polls * MILLION_POLLS / 1e6,
        ),
        Row(
            "EventBridge, Scheduler, X-Ray",
            f"{runs:,} scheduled runs × ({MILLION_EVENTS:.2f} + {MILLION_TRACES:.2f}) per million; per project"
            f" {EVENTS_OF_PROJECT} events × {MILLION_EVENTS:.2f} + {TRACES_OF_PROJECT} traces × {MILLION_TRACES:.2f}"
            " per million",
            lambda projects: (
                (
                    runs * (MILLION_EVENTS + MILLION_TRACES)
                    + projects * (EVENTS_OF_PROJECT * MILLION_EVENTS + TRACES_OF_PROJECT * MILLION_TRACES)
                )
                / 1e6
            ),
        ),
    ]


def total(projects: int) -> float:
    """Return the cost of a stack per month in dollars."""
    return sum(it.dollars(projects) for it in rows())


def list_costs() -> str:
    """Return the table of costs."""
    lines = [[it.what, it.arithmetic, f"{it.dollars(1):.2f}", f"{it.dollars(100):.2f}"] for it in rows()]
    lines.append(["**total**", "", f"**{total(1):.2f}**", f"**{total(100):.2f}**"])
    return table(["US dollars per month", "how it is computed", "1 project", "100 projects"], lines)

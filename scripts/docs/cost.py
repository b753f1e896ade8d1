"""The costs of the stack in docs/operations/cost.md and README.md: prices, quantities and their sums."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from backup_auditor.adapters.dynamodb.watch_store import list_watched_keys
from docs.markdown import table
from docs.metrics import METRICS_OF_STACK
from docs.template import template

# Prices in US dollars
GB_SECOND = 0.0000133334  # Lambda on arm64
MILLION_WRITES, MILLION_READS = 0.625, 0.125  # DynamoDB, on demand
STORED_GB_MONTH = 0.023  # S3
SECRET_MONTH = 0.40  # Secrets Manager
KEY_MONTH = 1.00  # KMS
METRIC_MONTH, DASHBOARD_MONTH = 0.30, 3.00  # CloudWatch; a metric is charged for the hours in which it is sent
ALARM_METRIC_MONTH, COMPOSITE_ALARM_MONTH = 0.10, 0.50  # CloudWatch; a query is charged for each metric it evaluates
LOG_GB = 0.50  # CloudWatch Logs, stored
MILLION_EVENTS, MILLION_POLLS = 1.00, 0.40  # EventBridge and Scheduler; SQS

# Quantities of a month
PROJECTS = (1, 100, 1000)
NIGHTS = 30
HOURS = 720
AUDIT_SECONDS, AUDIT_GB = 30, 1.0
SWEEPS, SWEEP_SECONDS, SWEEP_GB = 2880, 0.5, 1.0
WATCH_SECONDS, WATCH_SECONDS_OF_PROJECT, WATCH_GB = 1.0, 0.033, 0.25
ITEMS_WRITTEN = ITEMS_READ = 500
WATCH_READS = len(list_watched_keys("project"))
REPORT_MB, REPORT_NIGHTS = 3.7, 400
LOG_MB = 0.2
METRICS_OF_PROJECT = 22
REMEDIATION_METRICS = 2
DRILL_METRICS = 3
DRILLS, STEPS_OF_DRILL, STEP_SECONDS, DRILL_GB = 4, 4, 30, 0.25
DRILL_SWEEPS, DRILL_SWEEP_SECONDS = 8640, 0.3
POLLERS, POLL_SECONDS = 5, 20
EVENTS_OF_PROJECT = 100


class Row(NamedTuple):
    """One line of the bill: its name, its formula, and dollars per month for a number of projects."""

    what: str
    arithmetic: str
    dollars: Callable[[int], float]


class _AlarmCount(NamedTuple):
    """What alarms are charged for: metrics, metrics of each project that queries evaluate, composite alarms."""

    metrics: int
    queries: int
    composites: int


REMEDIATION, DRILL = "RemediationIsEnabled", "RestoreDrillsAreEnabled"
"""The conditions of what is not in every stack."""


def _count_alarms(condition: str | None) -> _AlarmCount:
    """Count the alarms of every stack, or those with a condition."""
    resources = template()["Resources"].values()
    alarms = [it for it in resources if it["Type"] == "AWS::CloudWatch::Alarm"]
    metrics = queries = 0
    for alarm in alarms:
        for part in alarm["Properties"].get("Metrics", [{"MetricStat": {}}]):
            if (alarm.get("Condition") or _find_condition(part)) == condition:
                metrics += "MetricStat" in str(part)
                queries += "GROUP BY project" in str(part)
    composites = sum(it["Type"] == "AWS::CloudWatch::CompositeAlarm" for it in resources)
    return _AlarmCount(metrics, queries, composites if condition is None else 0)


def _find_condition(part: Any) -> str | None:  # noqa: ANN401  a part of the template
    """Return the condition of a part that is a choice."""
    return str(part[0]) if isinstance(part, list) else None


def _count_queues(condition: str | None) -> int:
    """Count the queues that Lambda polls in every stack, or those with a condition."""
    queues = [it for it in template()["Resources"].values() if it["Type"] == "AWS::SQS::Queue"]
    return sum("RedrivePolicy" in it["Properties"] and it.get("Condition") == condition for it in queues)


def _poll_row(condition: str | None = None) -> Row:
    count = _count_queues(condition)
    polls = count * POLLERS * HOURS * 3600 // POLL_SECONDS
    return Row(
        "SQS",
        f"{count} {'queue' if count == 1 else 'queues'} × {POLLERS} pollers of Lambda × {HOURS} hours, one poll every"
        f" {POLL_SECONDS} s, × {MILLION_POLLS:.2f} per million",
        lambda _: polls * MILLION_POLLS / 1e6,
    )


def _alarm_row(condition: str | None = None) -> Row:
    metrics, queries, composites = _count_alarms(condition)
    composite_text = f"; {composites} composite alarms × {COMPOSITE_ALARM_MONTH:.2f}" if composites else ""
    return Row(
        "CloudWatch alarms",
        f"{metrics} metrics × {ALARM_METRIC_MONTH:.2f}; {queries} query × {ALARM_METRIC_MONTH:.2f} per project at most"
        f"{composite_text}",
        lambda projects: ALARM_METRIC_MONTH * (metrics + queries * projects) + COMPOSITE_ALARM_MONTH * composites,
    )


def _secret_row() -> Row:
    return Row(
        "Secrets Manager",
        f"{SECRET_MONTH:.2f} per secret: one key per project, and one webhook",
        lambda projects: (projects + 1) * SECRET_MONTH,
    )


def _dashboard_row() -> Row:
    return Row("Dashboard", f"{DASHBOARD_MONTH:.2f}", lambda _: DASHBOARD_MONTH)


def list_rows() -> list[Row]:
    """Return the lines of the bill of a stack with the defaults of its parameters."""
    runs = SWEEPS + HOURS + NIGHTS
    item_price = ITEMS_WRITTEN * MILLION_WRITES + ITEMS_READ * MILLION_READS
    return [
        Row(
            "Lambda, audits",
            f"{NIGHTS} nights × {AUDIT_SECONDS} s × {AUDIT_GB:g} GB × {GB_SECOND:.10f}, per project",
            lambda projects: projects * NIGHTS * AUDIT_SECONDS * AUDIT_GB * GB_SECOND,
        ),
        Row(
            "Lambda, sweeps and counts of projects",
            f"({SWEEPS:,} × {SWEEP_SECONDS} s × {SWEEP_GB:g} GB + {HOURS} × ({WATCH_SECONDS:g} s +"
            f" {WATCH_SECONDS_OF_PROJECT} s per project) × {WATCH_GB} GB) × {GB_SECOND:.10f}",
            lambda projects: (
                GB_SECOND
                * (
                    SWEEPS * SWEEP_SECONDS * SWEEP_GB
                    + HOURS * (WATCH_SECONDS + WATCH_SECONDS_OF_PROJECT * projects) * WATCH_GB
                )
            ),
        ),
        Row(
            "DynamoDB",
            f"({NIGHTS} nights × ({ITEMS_WRITTEN} writes × {MILLION_WRITES} + {ITEMS_READ} reads × {MILLION_READS})"
            f" + {HOURS} × {WATCH_READS} reads × {MILLION_READS}) per million, per project; less than 1 MB stored each",
            lambda projects: projects * (NIGHTS * item_price + HOURS * WATCH_READS * MILLION_READS) / 1e6,
        ),
        Row(
            "S3",
            f"{REPORT_NIGHTS} nights × {REPORT_MB} MB × {STORED_GB_MONTH} per GB, per project, from night"
            f" {REPORT_NIGHTS} on",
            lambda projects: projects * REPORT_NIGHTS * REPORT_MB / 1000 * STORED_GB_MONTH,
        ),
        _secret_row(),
        Row(
            "CloudWatch metrics",
            f"{METRICS_OF_PROJECT} × {METRIC_MONTH:.2f} × {NIGHTS} of {HOURS} hours, per project;"
            f" {len(METRICS_OF_STACK)} × {METRIC_MONTH:.2f} of the hourly count",
            lambda projects: METRIC_MONTH * (projects * METRICS_OF_PROJECT * NIGHTS / HOURS + len(METRICS_OF_STACK)),
        ),
        _alarm_row(),
        _dashboard_row(),
        Row(
            "Logs",
            f"{LOG_MB} MB per night × {LOG_GB:.2f} per GB, per project",
            lambda projects: projects * NIGHTS * LOG_MB / 1000 * LOG_GB,
        ),
        _poll_row(),
        Row(
            "EventBridge, Scheduler",
            f"({runs:,} scheduled runs + {EVENTS_OF_PROJECT} events per project) × {MILLION_EVENTS:.2f} per million",
            lambda projects: (runs + EVENTS_OF_PROJECT * projects) * MILLION_EVENTS / 1e6,
        ),
    ]


def list_remediation_rows() -> list[Row]:
    """Return what remediation adds to the bill, if every project has proposals every night."""
    return [
        Row(
            "Lambda",
            f"{NIGHTS} nights × {AUDIT_SECONDS} s × {AUDIT_GB:g} GB × {GB_SECOND:.10f}, per project",
            lambda projects: projects * NIGHTS * AUDIT_SECONDS * AUDIT_GB * GB_SECOND,
        ),
        Row(
            "Secrets Manager",
            f"{SECRET_MONTH:.2f} per key with write access, one per project",
            lambda projects: projects * SECRET_MONTH,
        ),
        Row(
            "CloudWatch metrics",
            f"{REMEDIATION_METRICS} × {METRIC_MONTH:.2f} × {NIGHTS} of {HOURS} hours, per project",
            lambda projects: METRIC_MONTH * projects * REMEDIATION_METRICS * NIGHTS / HOURS,
        ),
        _alarm_row(REMEDIATION),
        _poll_row(REMEDIATION),
    ]


def list_drill_rows() -> list[Row]:
    """Return what restore drills add to the bill, with one drill of each project every week."""
    return [
        Row(
            "Lambda",
            f"({DRILL_SWEEPS:,} × {DRILL_SWEEP_SECONDS} s + {DRILLS} drills × {STEPS_OF_DRILL} steps × {STEP_SECONDS} s"
            f" per project) × {DRILL_GB} GB × {GB_SECOND:.10f}",
            lambda projects: (
                (DRILL_SWEEPS * DRILL_SWEEP_SECONDS + projects * DRILLS * STEPS_OF_DRILL * STEP_SECONDS)
                * DRILL_GB
                * GB_SECOND
            ),
        ),
        Row(
            "Secrets Manager",
            f"{SECRET_MONTH:.2f} per key for restore drills, one per project",
            lambda projects: projects * SECRET_MONTH,
        ),
        Row(
            "CloudWatch metrics",
            f"{DRILL_METRICS} × {METRIC_MONTH:.2f} × {DRILLS} of {HOURS} hours, per project",
            lambda projects: METRIC_MONTH * projects * DRILL_METRICS * DRILLS / HOURS,
        ),
        _alarm_row(DRILL),
        _poll_row(DRILL),
        Row(
            "EventBridge, Scheduler",
            f"({DRILL_SWEEPS:,} sweeps + {DRILLS} drills × {STEPS_OF_DRILL + 1} events per project) ×"
            f" {MILLION_EVENTS:.2f} per million",
            lambda projects: (DRILL_SWEEPS + projects * DRILLS * (STEPS_OF_DRILL + 1)) * MILLION_EVENTS / 1e6,
        ),
    ]


def compute_total(projects: int) -> float:
    """Return the cost of a stack per month in dollars."""
    return sum(it.dollars(projects) for it in list_rows())


def list_costs() -> str:
    """Return the table of costs."""
    return _list_bill(list_rows(), "total")


def list_cost_options() -> str:
    """Return the table of what parameters add or save."""
    options = [
        Row(
            "`EnableDashboard` is `false`",
            "no dashboard; the first three of an account are free, as long as they show at most 50 metrics",
            lambda projects: -_dashboard_row().dollars(projects),
        ),
        Row(
            "keys and webhook as `SecureString` parameters",
            "standard parameters cost nothing",
            lambda projects: -_secret_row().dollars(projects),
        ),
        Row("`KmsKeyArn`", f"{KEY_MONTH:.2f} for the key", lambda _: KEY_MONTH),
    ]
    return _list_table("parameter", [_cells(it, "+.2f") for it in options])


def list_remediation_costs() -> str:
    """Return the table of what remediation adds."""
    return _list_bill(list_remediation_rows(), "total")


def list_drill_costs() -> str:
    """Return the table of what restore drills add."""
    return _list_bill(list_drill_rows(), "total")


def describe_cost() -> str:
    """Return the sentence about the costs."""
    one, hundred, thousand = (f"{compute_total(it):.0f}" for it in PROJECTS)
    return (
        f"The stack costs about {one} US dollars per month for one project, {hundred} for 100 projects and {thousand}"
        " for 1,000."
    )


def _list_bill(rows: Sequence[Row], name: str) -> str:
    sums = [f"**{sum(it.dollars(projects) for it in rows):.2f}**" for projects in PROJECTS]
    return _list_table("US dollars per month", [*(_cells(it, ".2f") for it in rows), [f"**{name}**", "", *sums]])


def _list_table(first_column: str, lines: Sequence[Sequence[str]]) -> str:
    columns = [f"{it:,} {'project' if it == 1 else 'projects'}" for it in PROJECTS]
    return table([first_column, "how it is computed", *columns], lines)


def _cells(row: Row, form: str) -> list[str]:
    return [row.what, row.arithmetic, *(format(row.dollars(it), form) for it in PROJECTS)]

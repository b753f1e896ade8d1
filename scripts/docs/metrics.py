"""Generate the table of metrics."""

import json

from backup_auditor.adapters.aws.metrics import METRIC_UNITS
from docs.markdown import table
from docs.template import template

_MEANINGS = {
    "AuditCompleted": "1 for each recorded audit, 0 for each audit that failed in all attempts.",
    "AuditComplete": "1 when the audit had no read error; 0 otherwise, and when two registry entries share its secret.",
    "IndexesTotal": "Indexes of the project.",
    "IndexesProtected": "Indexes with an enabled schedule and a recovery point that is recent enough.",
    "CoveragePercent": "`IndexesProtected` in percent of the indexes that can be backed up.",
    "FindingsOpen": "Non-compliant findings without an exemption. Also with the dimension `severity`.",
    "FindingsNew": "Findings that were opened or reopened by this audit.",
    "FindingsResolved": "Findings that were resolved by this audit.",
    "FindingsInsufficientData": "Findings without an exemption that could not be evaluated.",
    "WorstRecoveryPointAgeHours": "Age in hours of the oldest among the newest recovery points of the indexes.",
    "MinDaysToZeroRecoveryPoints": "Days until the first index has no recovery point, if no backup is added.",
    "BackupsTotal": "Listed backups, in any state.",
    "BackupStorageBytes": "Size of all listed backups.",
    "BackupQuotaUsedPercent": "Used part of the backup quota.",
    "SchedulesCreated": "Schedules that a remediation run created.",
    "ScheduleCreationFailures": "Actions that failed; 1 if a run was refused, stopped or incomplete; 0 if tried again.",
    "RestoreDrillsSucceeded": "1 for each restore drill that passed, 0 for any other result.",
    "RestoreDrillsFailed": "1 for each restore drill that failed or whose outcome is unknown, and in each sweep for one"
    " that cannot be continued and should have ended; 0 for any other result.",
    "RestoreSeconds": "How long Pinecone took to restore a backup, if the restore completed.",
    "DeliveryFailures": "Messages and events that a channel refused, or did not accept for 4h, at each attempt."
    " Those of the fleet have the project `.fleet`.",
    "ApiRequests": "Calls to Pinecone in the audit.",
    "ApiThrottles": "Responses with status 429 in the audit.",
    "AuditDurationMs": "Duration of the audit.",
    "ProjectsOverdue": "Projects without a complete audit for 30h.",
    "ProjectsIncomplete": "Projects whose last audit had a read error.",
    "ProjectsNewlyFailed": "Projects whose audit failed in all attempts or became overdue, when that is recorded.",
    "ProjectsUnregistered": "Projects of the organization that are neither registered nor ignored; once a day with"
    " `OrganizationSecret`, and not if their number is unknown.",
    "TopicsWithoutSubscription": "Topics of findings that have no confirmed subscription.",
}
METRICS_OF_STACK = ("ProjectsOverdue", "ProjectsIncomplete", "ProjectsNewlyFailed", "TopicsWithoutSubscription")
"""The metrics that `watch` emits every hour for all projects together."""
_DAILY_METRICS_OF_STACK = ("ProjectsUnregistered",)


def list_metrics() -> str:
    """Return the table of metrics, with the alarms that use each. Raises `KeyError` for a metric without a meaning."""
    rows = (
        (
            f"`{name}`",
            unit,
            "`stack`" if name in (*METRICS_OF_STACK, *_DAILY_METRICS_OF_STACK) else "`stack`, `project`",
            _MEANINGS[name],
            _alarms(name),
        )
        for name, unit in METRIC_UNITS.items()
    )
    return table(("metric", "unit", "dimensions", "meaning", "alarm"), rows)


def _alarms(metric: str) -> str:
    stack_name = "${AWS::StackName}-"
    names = [
        it["Properties"]["AlarmName"].removeprefix(stack_name)
        for it in template()["Resources"].values()
        if it["Type"] == "AWS::CloudWatch::Alarm" and metric in _words(json.dumps(it["Properties"]))
    ]
    return ", ".join(f"`{it}`" for it in names) or "none"


def _words(text: str) -> set[str]:
    return {"".join(it for it in word if it.isalnum()) for word in text.replace("(", " ").replace(")", " ").split()}

"""Write metrics in CloudWatch's embedded metric format (EMF), one line on standard output."""

import json
import sys
from collections.abc import Mapping
from types import MappingProxyType

NAMESPACE = "PineconeBackupAuditor"

METRIC_UNITS = {
    "AuditCompleted": "Count",
    "AuditComplete": "Count",
    "IndexesTotal": "Count",
    "IndexesProtected": "Count",
    "CoveragePercent": "Percent",
    "FindingsOpen": "Count",
    "FindingsNew": "Count",
    "FindingsResolved": "Count",
    "FindingsInsufficientData": "Count",
    "WorstRecoveryPointAgeHours": "None",
    "MinDaysToZeroRecoveryPoints": "None",
    "BackupsTotal": "Count",
    "BackupStorageBytes": "Bytes",
    "BackupQuotaUsedPercent": "Percent",
    "SchedulesCreated": "Count",
    "ScheduleCreationFailures": "Count",
    "RestoreDrillsSucceeded": "Count",
    "RestoreDrillsFailed": "Count",
    "RestoreSeconds": "Seconds",
    "DeliveryFailures": "Count",
    "ApiRequests": "Count",
    "ApiThrottles": "Count",
    "AuditDurationMs": "Milliseconds",
    "ProjectsOverdue": "Count",
    "ProjectsIncomplete": "Count",
    "ProjectsNewlyFailed": "Count",
    "ProjectsUnregistered": "Count",
    "TopicsWithoutSubscription": "Count",
}
"""The unit of each metric. CloudWatch has no unit for hours and days."""


def emit(
    project: str | None,
    values: Mapping[str, float | None],
    *,
    stack: str,
    dimensions: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Emit the known metrics of a project of a stack; `None` for metrics of all its projects.

    The stack and the project are dimensions; `dimensions` are further ones.
    """
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (  # noqa: PLC0415  not needed before the end of an invocation
        AmazonCloudWatchEMFProvider,
    )

    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    metrics.service = ""  # a service from the environment would add a dimension to every metric
    for name, value in values.items():
        if value is not None:
            metrics.add_metric(name, METRIC_UNITS[name], value)
    if not metrics.metric_set:
        return
    all_dimensions = {"stack": stack, **({} if project is None else {"project": project}), **dimensions}
    for name, text in all_dimensions.items():
        # CloudWatch accepts ASCII without control characters, at most 1,024 of them
        metrics.add_dimension(name, text.encode("unicode_escape").decode("ascii")[:1024])
    sys.stdout.write(json.dumps(metrics.serialize_metric_set()) + "\n")

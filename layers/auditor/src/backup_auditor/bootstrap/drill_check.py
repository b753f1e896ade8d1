"""Wire the checks of the function `drill`. Only a payload that requests them imports this module."""

from collections.abc import Iterable, Iterator
from functools import partial

from backup_auditor.adapters.aws.evidence_bucket import DRILL_CHECK_FOLDER, EvidenceBucket
from backup_auditor.adapters.dynamodb.items import Partition
from backup_auditor.adapters.dynamodb.table import TableAccess
from backup_auditor.application.function_checks import CheckRunner, check_once
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext
from backup_auditor.bootstrap.check import (
    answer_checks,
    check_bus,
    check_project_keys,
    check_project_policies,
    check_table,
)
from backup_auditor.bootstrap.drills import open_project_for_drills
from backup_auditor.domain.checkup import Check
from backup_auditor.domain.model import Deployment, Index
from backup_auditor.domain.registry import Registry
from backup_auditor.settings.pinecone import PineconeSettings


def check_drill(context: LambdaContext) -> dict[str, object]:
    """Return the checks of `drill`. It reads the projects, and the statistics of one index of each."""
    return answer_checks("drill", context, _check_parts)


def _check_parts(sources: ConfigSources, registry: Registry, runner: CheckRunner) -> Iterator[Check]:
    table = TableAccess(sources.aws.dynamodb, sources.settings.state_table)
    bucket = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
    yield from check_project_policies(sources, registry, runner)
    secrets = {it.name: it.drill_secret for it in registry.projects if it.drill_secret}
    yield from check_project_keys(
        sources, secrets, "ControlPlaneEditor and DataPlaneViewer", runner, _check_record_access
    )
    check_put = partial(table.check_put, partition=Partition.DRILLS)
    yield check_table(registry, "the role may get and put items", table.check_get, check_put)
    check_store = partial(bucket.check_store, DRILL_CHECK_FOLDER)
    yield check_once("bucket", check_store, "the role may store documents of drills")
    yield check_bus(sources, runner)


def _check_record_access(indexes: Iterable[Index], settings: PineconeSettings) -> None:
    """Raise any `PineconeError` unless the key may read the records of the first index that can be read from here."""
    index = next((it for it in indexes if not it.is_initializing and it.deployment is not Deployment.BYOC), None)
    if index is not None:
        with open_project_for_drills(settings) as drill_project:
            drill_project.check_access(index.name)

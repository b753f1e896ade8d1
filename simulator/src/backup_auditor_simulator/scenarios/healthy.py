"""Uniform projects: healthy, healthy of any size or small enough to restore, or without any schedule."""

from datetime import datetime, timedelta

from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import BYOC, HOUR, ScheduledIndex, Script

_PRODUCTION = {"tags": {"env": "prod"}, "deletion_protection": True}
_DOCUMENTS = {"fields": {"body": {"type": "string", "full_text_search": {"language": "en"}}}}
_SPARSE = {"fields": {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}}

_INDEXES = (
    ScheduledIndex(name="catalog-search", retention_days=35, traits=_PRODUCTION),
    ScheduledIndex(name="checkout-recs", retention_days=35, since_run=7 * HOUR, traits=_PRODUCTION),
    ScheduledIndex(name="support-tickets", retention_days=30, since_run=9 * HOUR),
    ScheduledIndex(name="knowledge-base", retention_days=30, since_run=11 * HOUR, traits=_DOCUMENTS),
    ScheduledIndex(name="fraud-signals", retention_days=90, since_run=13 * HOUR),
    ScheduledIndex(name="chat-memory", retention_days=7, since_run=15 * HOUR),
    ScheduledIndex(name="product-images", retention_days=14, since_run=17 * HOUR, traits=BYOC),
    ScheduledIndex(name="reviews-sentiment", retention_days=14, since_run=19 * HOUR, traits=_SPARSE),
    ScheduledIndex(
        name="geo-places", retention_days=14, since_run=HOUR, traits={"cloud": "azure", "region": "eastus2"}
    ),
    ScheduledIndex(name="email-dedupe", retention_days=14, since_run=3 * HOUR),
    ScheduledIndex(name="returns-triage", days=0, retention_days=14, since_run=4 * HOUR),
)


def build_healthy(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build the healthy project as of a time."""
    script = Script(now, seed=seed)
    for index in _INDEXES:
        index.add_to(script)
    return script.build_project()


_MIN_RETENTION_DAYS = 35
_SPREAD_HOURS = 20


def build_fleet(now: datetime, *, indexes: int = 200, backups_per_index: int = 5, seed: int = 0) -> SimulatedProject:
    """Build a project without a quota whose indexes each have a daily schedule with a number of backups."""
    script = Script(now, seed=seed, options=SimulatorOptions(backup_quota=None, index_quota=None))
    retention_days = max(_MIN_RETENTION_DAYS, backups_per_index + 1)
    for number in range(indexes):
        ScheduledIndex(
            name=f"fleet-{number:05d}",
            days=backups_per_index,
            # the newest backup is between one and twenty-one hours old
            since_run=timedelta(hours=1 + _SPREAD_HOURS * number / indexes),
            schedule_name="daily",
            retention_days=retention_days,
        ).add_to(script)
    return script.build_project()


def build_bare(now: datetime, *, indexes: int = 200, seed: int = 0) -> SimulatedProject:
    """Build a project of indexes that have neither a schedule nor a backup; it has no quota."""
    project = SimulatedProject(now, seed=seed, options=SimulatorOptions(backup_quota=None, index_quota=None))
    for number in range(indexes):
        project.create_index(f"bare-{number:05d}")
    return project


_SMALL_VECTORS = {"fields": {"_values": {"type": "dense_vector", "dimension": 8, "metric": "cosine"}}}
_SMALL_INDEXES = (
    ScheduledIndex(name="orders", traits={"records": 900, "namespaces": 3, **_PRODUCTION, **_SMALL_VECTORS}),
    ScheduledIndex(name="articles", traits={"records": 120, "namespaces": 2, **_DOCUMENTS}),
    ScheduledIndex(name="search-terms", traits={"records": 300, "namespaces": 1, **_SPARSE}),
    ScheduledIndex(name="ledgers", traits={"records": 200, "namespaces": 2, **BYOC, **_SMALL_VECTORS}),
)


def build_drill(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build a project of small indexes, whose backups have the same counts as they have, and are restored fast."""
    restore_duration = timedelta(seconds=2)
    script = Script(now, seed=seed, options=SimulatorOptions(restore_duration=restore_duration))
    for index in _SMALL_INDEXES:
        index.add_to(script)
    return script.build_project()

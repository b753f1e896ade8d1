"""A project in which everything is as the default policy wants it."""

from datetime import datetime

from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import HOUR, ScheduledIndex, Script

_PRODUCTION = {"tags": {"env": "prod"}, "deletion_protection": True}
_DOCUMENTS = {"fields": {"body": {"type": "string", "full_text_search": {"language": "en"}}}}
_SPARSE = {"fields": {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}}
_BYOC = {"kind": IndexKind.BYOC, "cloud": "gcp", "region": "us-central1", "environment": "gcp-us-central1-b921"}

_INDEXES = (
    ScheduledIndex(name="catalog-search", retention_days=35, traits=_PRODUCTION),
    ScheduledIndex(name="checkout-recs", retention_days=35, since_run=7 * HOUR, traits=_PRODUCTION),
    ScheduledIndex(name="support-tickets", retention_days=30, since_run=9 * HOUR),
    ScheduledIndex(name="knowledge-base", retention_days=30, since_run=11 * HOUR, traits=_DOCUMENTS),
    ScheduledIndex(name="fraud-signals", retention_days=90, since_run=13 * HOUR),
    ScheduledIndex(name="chat-memory", retention_days=7, since_run=15 * HOUR),
    ScheduledIndex(name="product-images", retention_days=14, since_run=17 * HOUR, traits=_BYOC),
    ScheduledIndex(name="reviews-sentiment", retention_days=14, since_run=19 * HOUR, traits=_SPARSE),
    ScheduledIndex(
        name="geo-places", retention_days=14, since_run=HOUR, traits={"cloud": "azure", "region": "eastus2"}
    ),
    ScheduledIndex(name="email-dedupe", retention_days=14, since_run=3 * HOUR),
    ScheduledIndex(name="returns-triage", days=0, retention_days=14, since_run=4 * HOUR),
)


def build_healthy(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build the healthy project as it stands at a moment."""
    script = Script(now, seed=seed)
    for index in _INDEXES:
        index.add_to(script)
    return script.build_project()

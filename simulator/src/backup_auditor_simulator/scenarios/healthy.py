"""A project in which everything is as the default policy wants it."""

from datetime import datetime

from backup_auditor_simulator.model import Kind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import HOUR, Life, Script

_PRODUCTION = {"tags": {"env": "prod"}, "deletion_protection": True}
_DOCUMENTS = {"fields": {"body": {"type": "string", "full_text_search": {"language": "en"}}}}
_SPARSE = {"fields": {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}}
_BYOC = {"kind": Kind.BYOC, "cloud": "gcp", "region": "us-central1", "environment": "gcp-us-central1-b921"}

_LIVES = (
    Life(name="catalog-search", retention_days=35, traits=_PRODUCTION),
    Life(name="checkout-recs", retention_days=35, since_run=7 * HOUR, traits=_PRODUCTION),
    Life(name="support-tickets", retention_days=30, since_run=9 * HOUR),
    Life(name="knowledge-base", retention_days=30, since_run=11 * HOUR, traits=_DOCUMENTS),
    Life(name="fraud-signals", retention_days=90, since_run=13 * HOUR),
    Life(name="chat-memory", retention_days=7, since_run=15 * HOUR),
    Life(name="product-images", retention_days=14, since_run=17 * HOUR, traits=_BYOC),
    Life(name="reviews-sentiment", retention_days=14, since_run=19 * HOUR, traits=_SPARSE),
    Life(name="geo-places", retention_days=14, since_run=HOUR, traits={"cloud": "azure", "region": "eastus2"}),
    Life(name="email-dedupe", retention_days=14, since_run=3 * HOUR),
    Life(name="returns-triage", days=0, retention_days=14, since_run=4 * HOUR),
)


def healthy(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build the healthy project as it stands at a moment."""
    script = Script(now, seed=seed)
    for life in _LIVES:
        life.begin(script)
    return script.play()

"""The violations that an audit of the neglected project reports under the default policy."""

FAILED_CONTROLS: dict[str, frozenset[str]] = {
    "orders": frozenset({"index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"}),
    "price-history": frozenset({"index-has-schedule", "recovery-point-is-recent"}),
    "checkout-recs": frozenset({"schedule-is-enabled", "recovery-point-is-recent", "recovery-points-outlast-horizon"}),
    "support-tickets": frozenset({"schedule-is-unique"}),
    "invoices-archive": frozenset({"schedule-frequency-meets-policy", "recovery-point-is-recent"}),
    "ad-creatives": frozenset(
        {"schedule-frequency-meets-policy", "recovery-point-is-recent", "schedule-guarantees-minimum-copies"}
    ),
    "newsletter-topics": frozenset(
        {
            "schedule-frequency-meets-policy",
            "recovery-point-is-recent",
            "schedule-guarantees-minimum-copies",
            "schedule-retention-outlives-interval",
            "recovery-points-meet-minimum-copies",
        }
    ),
    "chat-memory": frozenset({"schedule-retention-meets-minimum"}),
    "legal-contracts": frozenset({"schedule-retention-within-maximum"}),
    "knowledge-base": frozenset(
        {
            "schedule-name-is-runnable",
            "index-has-recovery-point",
            "recovery-points-meet-minimum-copies",
            "latest-run-succeeded",
        }
    ),
    "reviews-sentiment": frozenset({"schedule-next-run-is-planned"}),
    "inventory-sync": frozenset(
        {
            "schedule-next-run-is-planned",
            "planned-run-started-on-time",
            "recovery-point-is-recent",
            "scheduled-runs-are-continuous",
        }
    ),
    "store-locator": frozenset(
        {"index-has-recovery-point", "recovery-points-meet-minimum-copies", "scheduled-runs-are-continuous"}
    ),
    "ad-targeting": frozenset({"latest-run-succeeded", "recovery-point-is-recent"}),
    "image-captions": frozenset({"latest-run-succeeded"}),
    "geo-places": frozenset({"recovery-points-meet-minimum-copies"}),
    "voice-transcripts": frozenset({"scheduled-runs-are-continuous"}),
    "email-dedupe": frozenset({"no-run-is-stuck", "recovery-point-is-recent"}),
    "loyalty-members": frozenset({"recovery-points-belong-to-index"}),
    "feature-store": frozenset({"backup-status-is-known"}),
    "user-profiles": frozenset({"record-count-is-stable"}),
    "tenant-memory": frozenset({"namespace-count-is-stable"}),
    "clickstream-events": frozenset({"backup-size-is-stable"}),
    "recipe-ideas": frozenset({"recovery-point-is-not-empty"}),
    "query-logs": frozenset({"backups-expire-on-time"}),
    "catalog-search": frozenset(),
    "product-images": frozenset(),
    "session-features": frozenset({"index-can-be-backed-up"}),
    "returns-triage": frozenset(),
    "payments-risk": frozenset(),
    "image-tags": frozenset(),
    "search-logs": frozenset(),
    "fraud-graph": frozenset(),
}
"""The controls that each live index fails; none for the indexes that must stay silent."""
FAILED_DELETED_INDEX_CONTROLS = {
    "winter-campaign": frozenset({"backups-have-live-source"}),
}
"""The controls that each deleted index fails."""
FAILED_PROJECT_CONTROLS = frozenset({"schedules-fit-quota"})
"""The controls that the project fails: the backups that are kept for years would fill the quota alone."""

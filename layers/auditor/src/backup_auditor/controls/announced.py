"""The controls that are announced and not yet built: a policy may name them today."""

ANNOUNCED = (
    "recovery-points-outlast-horizon",
    "recovery-point-is-not-empty",
    "record-count-is-stable",
    "namespace-count-is-stable",
    "backup-size-is-stable",
    "backups-have-live-source",
    "backups-expire-on-time",
    "backup-did-not-vanish",
    "backup-quota-has-headroom",
    "schedules-fit-quota",
    "policy-fits-quota",
    "deletion-protection-is-enabled",
    "backup-location-is-allowed",
    "index-has-required-tags",
    "backups-within-erasure-horizon",
    "exemptions-are-current",
    "project-is-expected",
)

"""Every control, in the order in which they are documented and evaluated."""

from backup_auditor.controls.backup_did_not_vanish import BACKUP_DID_NOT_VANISH
from backup_auditor.controls.backup_location_is_allowed import BACKUP_LOCATION_IS_ALLOWED
from backup_auditor.controls.backup_quota_has_headroom import BACKUP_QUOTA_HAS_HEADROOM
from backup_auditor.controls.backup_size_is_stable import BACKUP_SIZE_IS_STABLE
from backup_auditor.controls.backup_status_is_known import BACKUP_STATUS_IS_KNOWN
from backup_auditor.controls.backups_expire_on_time import BACKUPS_EXPIRE_ON_TIME
from backup_auditor.controls.backups_have_live_source import BACKUPS_HAVE_LIVE_SOURCE
from backup_auditor.controls.backups_within_erasure_horizon import BACKUPS_WITHIN_ERASURE_HORIZON
from backup_auditor.controls.deletion_protection_is_enabled import DELETION_PROTECTION_IS_ENABLED
from backup_auditor.controls.exemptions_are_current import EXEMPTIONS_ARE_CURRENT
from backup_auditor.controls.index_can_be_backed_up import INDEX_CAN_BE_BACKED_UP
from backup_auditor.controls.index_has_recovery_point import INDEX_HAS_RECOVERY_POINT
from backup_auditor.controls.index_has_required_tags import INDEX_HAS_REQUIRED_TAGS
from backup_auditor.controls.index_has_schedule import INDEX_HAS_SCHEDULE
from backup_auditor.controls.inventory_is_complete import INVENTORY_IS_COMPLETE
from backup_auditor.controls.latest_run_succeeded import LATEST_RUN_SUCCEEDED
from backup_auditor.controls.namespace_count_is_stable import NAMESPACE_COUNT_IS_STABLE
from backup_auditor.controls.no_run_is_stuck import NO_RUN_IS_STUCK
from backup_auditor.controls.plan_allows_schedules import PLAN_ALLOWS_SCHEDULES
from backup_auditor.controls.planned_run_started_on_time import PLANNED_RUN_STARTED_ON_TIME
from backup_auditor.controls.policy_fits_quota import POLICY_FITS_QUOTA
from backup_auditor.controls.project_is_expected import PROJECT_IS_EXPECTED
from backup_auditor.controls.record_count_is_stable import RECORD_COUNT_IS_STABLE
from backup_auditor.controls.recovery_point_is_not_empty import RECOVERY_POINT_IS_NOT_EMPTY
from backup_auditor.controls.recovery_point_is_recent import RECOVERY_POINT_IS_RECENT
from backup_auditor.controls.recovery_points_belong_to_index import RECOVERY_POINTS_BELONG_TO_INDEX
from backup_auditor.controls.recovery_points_meet_minimum_copies import RECOVERY_POINTS_MEET_MINIMUM_COPIES
from backup_auditor.controls.recovery_points_outlast_horizon import RECOVERY_POINTS_OUTLAST_HORIZON
from backup_auditor.controls.restore_is_proven import RESTORE_IS_PROVEN
from backup_auditor.controls.restore_time_meets_objective import RESTORE_TIME_MEETS_OBJECTIVE
from backup_auditor.controls.schedule_frequency_meets_policy import SCHEDULE_FREQUENCY_MEETS_POLICY
from backup_auditor.controls.schedule_guarantees_minimum_copies import SCHEDULE_GUARANTEES_MINIMUM_COPIES
from backup_auditor.controls.schedule_is_enabled import SCHEDULE_IS_ENABLED
from backup_auditor.controls.schedule_is_unique import SCHEDULE_IS_UNIQUE
from backup_auditor.controls.schedule_name_is_runnable import SCHEDULE_NAME_IS_RUNNABLE
from backup_auditor.controls.schedule_next_run_is_planned import SCHEDULE_NEXT_RUN_IS_PLANNED
from backup_auditor.controls.schedule_retention_meets_minimum import SCHEDULE_RETENTION_MEETS_MINIMUM
from backup_auditor.controls.schedule_retention_outlives_interval import SCHEDULE_RETENTION_OUTLIVES_INTERVAL
from backup_auditor.controls.schedule_retention_within_maximum import SCHEDULE_RETENTION_WITHIN_MAXIMUM
from backup_auditor.controls.scheduled_runs_are_continuous import SCHEDULED_RUNS_ARE_CONTINUOUS
from backup_auditor.controls.schedules_fit_quota import SCHEDULES_FIT_QUOTA
from backup_auditor.domain.evaluation.evaluator import ControlCatalog

CATALOG = ControlCatalog(
    index_controls=(
        INDEX_CAN_BE_BACKED_UP,
        INDEX_HAS_SCHEDULE,
        SCHEDULE_IS_ENABLED,
        SCHEDULE_IS_UNIQUE,
        SCHEDULE_FREQUENCY_MEETS_POLICY,
        SCHEDULE_RETENTION_MEETS_MINIMUM,
        SCHEDULE_RETENTION_WITHIN_MAXIMUM,
        SCHEDULE_RETENTION_OUTLIVES_INTERVAL,
        SCHEDULE_GUARANTEES_MINIMUM_COPIES,
        SCHEDULE_NEXT_RUN_IS_PLANNED,
        SCHEDULE_NAME_IS_RUNNABLE,
        INDEX_HAS_RECOVERY_POINT,
        RECOVERY_POINT_IS_RECENT,
        RECOVERY_POINTS_MEET_MINIMUM_COPIES,
        RECOVERY_POINTS_OUTLAST_HORIZON,
        SCHEDULED_RUNS_ARE_CONTINUOUS,
        LATEST_RUN_SUCCEEDED,
        NO_RUN_IS_STUCK,
        PLANNED_RUN_STARTED_ON_TIME,
        RECOVERY_POINT_IS_NOT_EMPTY,
        RECORD_COUNT_IS_STABLE,
        NAMESPACE_COUNT_IS_STABLE,
        BACKUP_SIZE_IS_STABLE,
        RECOVERY_POINTS_BELONG_TO_INDEX,
        BACKUPS_EXPIRE_ON_TIME,
        BACKUP_DID_NOT_VANISH,
        BACKUP_STATUS_IS_KNOWN,
        DELETION_PROTECTION_IS_ENABLED,
        BACKUP_LOCATION_IS_ALLOWED,
        INDEX_HAS_REQUIRED_TAGS,
        BACKUPS_WITHIN_ERASURE_HORIZON,
        RESTORE_IS_PROVEN,
        RESTORE_TIME_MEETS_OBJECTIVE,
    ),
    deleted_index_controls=(
        BACKUPS_HAVE_LIVE_SOURCE,
        BACKUP_DID_NOT_VANISH,
    ),
    project_controls=(
        BACKUP_QUOTA_HAS_HEADROOM,
        SCHEDULES_FIT_QUOTA,
        POLICY_FITS_QUOTA,
        EXEMPTIONS_ARE_CURRENT,
        PLAN_ALLOWS_SCHEDULES,
        PROJECT_IS_EXPECTED,
        INVENTORY_IS_COMPLETE,
    ),
)

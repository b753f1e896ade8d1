"""Every control, in the order in which they are documented and judged."""

from backup_auditor.controls.backup_status_is_known import BACKUP_STATUS_IS_KNOWN
from backup_auditor.controls.index_has_recovery_point import INDEX_HAS_RECOVERY_POINT
from backup_auditor.controls.index_has_schedule import INDEX_HAS_SCHEDULE
from backup_auditor.controls.inventory_is_complete import INVENTORY_IS_COMPLETE
from backup_auditor.controls.latest_run_succeeded import LATEST_RUN_SUCCEEDED
from backup_auditor.controls.no_run_is_stuck import NO_RUN_IS_STUCK
from backup_auditor.controls.plan_allows_schedules import PLAN_ALLOWS_SCHEDULES
from backup_auditor.controls.planned_run_started_on_time import PLANNED_RUN_STARTED_ON_TIME
from backup_auditor.controls.recovery_point_is_recent import RECOVERY_POINT_IS_RECENT
from backup_auditor.controls.recovery_points_belong_to_index import RECOVERY_POINTS_BELONG_TO_INDEX
from backup_auditor.controls.recovery_points_meet_minimum_copies import RECOVERY_POINTS_MEET_MINIMUM_COPIES
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
from backup_auditor.domain.evaluation import Catalogue

CATALOGUE = Catalogue(
    index=(
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
        SCHEDULED_RUNS_ARE_CONTINUOUS,
        LATEST_RUN_SUCCEEDED,
        NO_RUN_IS_STUCK,
        PLANNED_RUN_STARTED_ON_TIME,
        RECOVERY_POINTS_BELONG_TO_INDEX,
        BACKUP_STATUS_IS_KNOWN,
    ),
    project=(
        PLAN_ALLOWS_SCHEDULES,
        INVENTORY_IS_COMPLETE,
    ),
)

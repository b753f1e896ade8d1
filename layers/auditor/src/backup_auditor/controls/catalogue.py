"""Every control, in the order in which they are documented and judged."""

from backup_auditor.controls.index_has_recovery_point import INDEX_HAS_RECOVERY_POINT
from backup_auditor.controls.index_has_schedule import INDEX_HAS_SCHEDULE
from backup_auditor.domain.evaluation import Catalogue

CATALOGUE = Catalogue(
    project=(),
    index=(INDEX_HAS_SCHEDULE, INDEX_HAS_RECOVERY_POINT),
)

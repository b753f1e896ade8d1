"""The announced controls are those that are still to come."""

from backup_auditor.controls.announced import ANNOUNCED
from backup_auditor.controls.catalogue import CATALOGUE


def test_a_control_is_announced_or_built() -> None:
    """No control is announced twice, or announced although it is built."""
    built = [*(it.id for it in CATALOGUE.index), *(it.id for it in CATALOGUE.project)]
    assert len({*ANNOUNCED, *built}) == len(ANNOUNCED) + len(built)

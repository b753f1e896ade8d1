"""What an exemption may not be: a deviation is accepted for a time, and of something in particular."""

from collections.abc import Collection
from datetime import date

from backup_auditor.domain.evaluation import Catalogue
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.patterns import fit_every_name
from backup_auditor.domain.policy import Policy

LONGEST_YEARS = 5
"""How far ahead an exemption may end."""


def distant_exemptions(policy: Policy, day: date) -> list[str]:
    """Return what is wrong, a line each, with exemptions that on a day (UTC) end too far ahead."""
    try:
        latest = day.replace(year=day.year + LONGEST_YEARS)
    except ValueError:  # the last day of a February that has one more, or the last years of all
        if day.year + LONGEST_YEARS > date.max.year:
            return []
        latest = date(day.year + LONGEST_YEARS, 3, 1)
    return [
        f"exemptions[{number}] ends on {it.expires}, more than {LONGEST_YEARS} years after {day}; let it end by"
        f" {latest}, or let a rule say what is to hold for good"
        for number, it in enumerate(policy.exemptions)
        if it.expires > latest
    ]


def covers_everything(exemption: Exemption, control_ids: Collection[str]) -> bool:
    """Tell whether an exemption accepts every deviation of every index: nothing would be audited any more.

    `control_ids` are those of the controls that are judged for indexes: what exempts these need not name the others.
    """
    fits_every_name = not exemption.tags and fit_every_name(exemption.names)
    return fits_every_name and all(map(exemption.fits_control, control_ids))


OF_BACKUPS = ("backup-did-not-vanish",)
"""The controls whose verdicts are about single backups, which an exemption may name."""


def fitting_controls(exemption: Exemption, catalogue: Catalogue) -> list[str]:
    """Return the ids of the controls that are judged for what an exemption is about, whatever controls it names."""
    if exemption.is_for_project:
        return [it.id for it in catalogue.project]
    if exemption.backups:
        return [it.id for it in catalogue.all if it.id in OF_BACKUPS]
    of_indexes = [it.id for it in catalogue.index]
    return of_indexes if exemption.tags else of_indexes + [it.id for it in catalogue.deleted_index]

"""Whether so many indexes could meet a policy within the quota of backups, in one sentence."""

from backup_auditor.domain.arithmetic import told_fit
from backup_auditor.domain.feasibility import Feasibility
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.text import plain


def told_feasibility(found: Feasibility) -> str:
    """Say what so many indexes take of the quota, and what would fit where that is too much."""
    take = "takes" if found.indexes == 1 else "take"
    indexes = f"{counted(found.indexes, 'index', 'indexes')} {take}"
    each = ", ".join(f"{plain(name)} {slots:,} each" for name, slots in found.each)
    if found.quota is None:
        return (
            f"{indexes} at least {counted(found.least, 'backup')} ({each}); the policy gives no quota to fit them into"
        )
    if found.is_impossible:
        taken = f"{indexes} at least {counted(found.least, 'backup')} ({each}) and the quota is {found.quota:,}"
        return f"{taken}: {told_fit(found.fit, found.indexes)}"
    if found.most > found.quota:
        between = f"{indexes} {found.least:,} to {counted(found.most, 'backup')}, by the rules they fall under ({each})"
        return f"{between}: not every mixture fits the quota of {found.quota:,}"
    at_most = "" if found.most == found.least else f" to {found.most:,}"
    return f"{indexes} {found.least:,}{at_most} of the quota of {counted(found.quota, 'backup')} ({each}): they fit"

"""Makes docs/reference/controls.md: every control, as the catalogue knows it."""

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.rendering.controls import controls_markdown

_HEAD = """\
<!-- Made by `make docs` from the catalogue of controls; changes belong there. -->

# Controls

A control is one requirement, judged for each resource. Every control on every resource gives exactly one finding:

- `COMPLIANT`: the requirement is met, or the control names an exception that holds.
- `NON_COMPLIANT`: it is not.
- `NOT_APPLICABLE`: there is nothing to judge. The policy does not ask for it, the index has no enabled schedule or no
  recovery point of which the control could speak, or it cannot be backed up at all (pods, indexes whose backup calls
  Pinecone answers with 400, and indexes that are encrypted with a customer key and of which no backup and no schedule
  is listed); `index-can-be-backed-up` reports such an index.
- `INSUFFICIENT_DATA`: a fact that would decide could not be read or is not told. Unknown is never compliant. Nor is
  anything called missing on the strength of one reading: a second one has to agree.

Settings of paused schedules are not judged; with two enabled schedules, each must pass. The longest interval of a
schedule is 1 day, 7 days, or 31 days for a monthly one. A recovery point is a backup that one can restore the live
index from: `Ready`, of the live index's own id, and captured already. In what is to be done, `{name}` stands for the
resource's name, `{schedule_id}` and the like for what is known of a finding, which fills them in, and capitals for what
is to be put in by hand. `backup-auditor controls ID` shows the same on the command line.

"""


def render() -> str:
    """Return the whole document."""
    return _HEAD + controls_markdown(CATALOG.all)

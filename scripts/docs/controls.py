"""Generate the list of controls from the catalog."""

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.rendering.controls import render_controls_markdown


def describe_controls() -> str:
    """Return a table of all controls, and a section for each."""
    return render_controls_markdown(CATALOG.all_controls)

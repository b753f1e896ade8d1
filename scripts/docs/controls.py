"""Generate the list of controls from the catalog."""

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.rendering.controls import controls_markdown


def describe_controls() -> str:
    """Return a table of all controls, and a section for each."""
    return controls_markdown(CATALOG.all)

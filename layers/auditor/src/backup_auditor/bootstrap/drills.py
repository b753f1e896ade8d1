"""Wire restore drills from a laptop: the project, and the folder of their documents."""

from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from backup_auditor.adapters.files import DrillFolder
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.restores import open_drill_project
from backup_auditor.ports.drills import DrillArchive, DrillProject
from backup_auditor.settings.pinecone import PineconeSettings


def open_project_for_drills(settings: PineconeSettings) -> AbstractContextManager[DrillProject]:
    """Open the project of the settings for restore drills. Raises `SettingsError` for an API version that has none."""
    return open_drill_project(Connection(**asdict(settings)))


def make_drill_archive(state: Path) -> DrillArchive:
    """Return the archive of a state: a folder beside it."""
    return DrillFolder(state.with_name(f"{state.stem}-drills"))

"""Where a project is remembered when nobody names a file."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from backup_auditor.errors import SettingsError

_MAX_NAME_LENGTH = 160


def find_default_state_file(environ: Mapping[str, str], project: str) -> Path:
    """Return the file in which a project is remembered; what no file may be called is written in another way.

    Raises `SettingsError` where nothing tells whose home to keep it in.
    """
    folder = Path(environ.get("XDG_STATE_HOME", ""))
    if not folder.is_absolute():  # as its specification has it: anything else does not count
        try:
            folder = Path.home() / ".local" / "state"
        except RuntimeError:
            remedy = "set XDG_STATE_HOME, or use --state or --no-state"
            raise SettingsError(f"no home directory for the state; {remedy}") from None
    if len(name := quote(project, safe=" ")) > _MAX_NAME_LENGTH:
        name = f"{name[:_MAX_NAME_LENGTH]}~{sha256(project.encode()).hexdigest()[:16]}"
    return folder / "backup-auditor" / f"{name}.sqlite3"

"""The bucket in which tests store reports, and its objects."""

from typing import Any

BUCKET = "reports"


def list_version_keys(client: Any) -> list[str]:
    """Return the name of every version of every object."""
    return [it["Key"] for it in client.list_object_versions(Bucket=BUCKET).get("Versions", [])]

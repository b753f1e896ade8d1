"""The bucket for reports in tests, and its content."""

from typing import Any

BUCKET = "reports"


def list_version_keys(client: Any) -> list[str]:
    """Return the key of every version of every object."""
    return [it["Key"] for it in client.list_object_versions(Bucket=BUCKET).get("Versions", [])]

"""Test that a truncated transfer from S3 is an error, not a partial document."""

import pytest

from backup_auditor.adapters.aws.config_sources import fetch_document
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.registry_file import parse_registry
from backup_auditor.errors import DocumentError
from support.raw_server import serve_answer

FIRST_PART = b"version: 1\nprojects:\n  - {name: search, secret: backup-auditor/keys/search}\n"
REGISTRY = FIRST_PART + b"  - {name: shop, secret: backup-auditor/keys/shop}\n"
ADDRESS = "s3://config/backup-auditor/projects.yaml"


@pytest.mark.parametrize(
    "received_content", [pytest.param(FIRST_PART, id="valid-part"), pytest.param(b"", id="nothing")]
)
def test_a_partial_document_is_an_error(received_content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partial registry is refused even if it is valid, because the alerts of missing projects would be dropped."""
    assert parse_registry(FIRST_PART, ADDRESS).names == ("search",)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(REGISTRY)}\r\n\r\n".encode()
    with serve_answer(head + received_content) as (port, _):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        with pytest.raises(DocumentError, match="cannot be fetched"):
            fetch_document(AwsSession(), ADDRESS)

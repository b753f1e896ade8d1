"""What a secret may hold, whatever it was fetched from."""

import pytest

from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, Source, read_secret
from backup_auditor.errors import SecretError

SHORT_SECRET = "ab" * 3 + "c"


def test_a_short_key_is_refused() -> None:
    """The error names the secret and does not repeat its value."""
    secrets = Source[str | bytes](lambda _: SHORT_SECRET, is_cached=False)
    with pytest.raises(
        SecretError, match=r"^the secret search is too short for a key; copy the complete key$"
    ) as error_info:
        read_secret("search", PINECONE_KEY, secrets)
    assert SHORT_SECRET not in str(error_info.value)

"""What is refused before anything is connected, and what is never shown."""

import pytest

from backup_auditor.adapters.pinecone.connection import DEFAULT_HOST, Connection
from backup_auditor.errors import SettingsError

KEY = "canary-of-the-connection-tests"


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("http://127.0.0.1:5080", id="loopback"),
        pytest.param("http://127.8.9.10", id="all-of-127"),
        pytest.param("http://[::1]:5080", id="loopback-of-version-6"),
        pytest.param("http://localhost:5080", id="localhost"),
        pytest.param("https://api.pinecone.io", id="https"),
        pytest.param("https://api.pinecone.io.", id="absolute-name"),
        pytest.param(f"https://{'a' * 63}.example", id="label-at-limit"),
        pytest.param("https://gateway.example/pinecone", id="below-a-path"),
    ],
)
def test_hosts_that_keep_the_key_safe_are_taken(host: str) -> None:
    """Any host is reached over https, and this machine in the clear."""
    assert Connection(KEY, host).host == host


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("http://api.pinecone.io", id="in-the-clear"),
        pytest.param("http://128.0.0.1", id="one-past-loopback"),
        pytest.param("http://localhost.example", id="localhost-as-a-label"),
        pytest.param("http://127.0.0.1.example", id="loopback-as-labels"),
        pytest.param("http://0.0.0.0:80", id="any-address"),
        pytest.param("http://user@127.0.0.1", id="user"),
        pytest.param("https://127.0.0.1@api.example", id="host-hidden-behind-a-user"),
        pytest.param("ftp://api.pinecone.io", id="other-scheme"),
        pytest.param("https://", id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("https://[::1", id="half-an-address"),
        pytest.param("https://api.pinecone.io:99999", id="no-port"),
        pytest.param("https://api.pinecone.io/?a=b", id="query"),
        pytest.param("https://api.pinecone.io/#a", id="fragment"),
        pytest.param("https://api.pinecone.io/\r\nX: y", id="line-break"),
        pytest.param("https://api..pinecone.io", id="empty-label"),
        pytest.param(f"https://{'a' * 64}.example", id="label-one-past-limit"),
        pytest.param("https://api.pinecöne.io", id="letters-that-only-look-alike"),
    ],
)
def test_hosts_that_do_not_are_refused(host: str) -> None:
    """No key travels in the clear, and no address is guessed at; the refusal repeats no key."""
    with pytest.raises(SettingsError) as error_info:
        Connection(KEY, host)
    assert KEY not in str(error_info.value)


def test_https_is_meant_where_no_scheme_is_given() -> None:
    """A bare host is read as the official SDK reads it, and a last slash does not matter."""
    assert Connection(KEY, "api.pinecone.io/").host == DEFAULT_HOST


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="none"),
        pytest.param("canary of two words", id="blank"),
        pytest.param("canary\n", id="line-break"),
        pytest.param("canary\r\nHost: elsewhere", id="another-header"),
        pytest.param("canarÿ", id="beyond-ascii"),
        pytest.param("canary\x00", id="nothing-character"),
    ],
)
def test_what_no_key_looks_like_is_refused_without_repeating_it(key: str) -> None:
    """A key is printable ASCII without blanks."""
    with pytest.raises(SettingsError) as error_info:
        Connection(key)
    assert "canar" not in str(error_info.value)


def test_the_key_is_not_part_of_its_text() -> None:
    """A connection can be printed."""
    assert KEY not in repr(Connection(KEY))


def test_both_families_share_a_version_unless_told_otherwise() -> None:
    """Schedules are asked for in the version of all else."""
    assert Connection(KEY, api_version="2026-04").schedules_api_version == "2026-04"
    assert Connection(KEY, api_version="2025-10", schedules_api_version="unstable").schedules_api_version == "unstable"


def test_a_version_is_no_way_into_the_headers() -> None:
    """A line break in a version is refused."""
    with pytest.raises(SettingsError):
        Connection(KEY, api_version="2026-07\r\nX: y")


@pytest.mark.parametrize(
    "max_concurrency, is_accepted",
    [
        pytest.param(0, False, id="none"),
        pytest.param(1, True, id="at-least-one"),
        pytest.param(256, True, id="at-limit"),
        pytest.param(257, False, id="one-past"),
    ],
)
def test_the_ceiling_has_bounds(max_concurrency: int, is_accepted: bool) -> None:
    """From 1 to 256 calls may be in flight."""
    if is_accepted:
        assert Connection(KEY, max_concurrency=max_concurrency).max_concurrency == max_concurrency
    else:
        with pytest.raises(SettingsError):
            Connection(KEY, max_concurrency=max_concurrency)

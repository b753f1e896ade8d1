"""Which settings of a connection are refused, and that no text contains the key."""

import pytest

from backup_auditor.adapters.pinecone.connection import DEFAULT_HOST, Connection
from backup_auditor.errors import SettingsError, UntrustedHostError

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
        pytest.param("https://gateway.example/pinecone", id="with-a-path"),
    ],
)
def test_safe_hosts_are_accepted(host: str) -> None:
    """Any host is used over https; only this machine is used over plain http."""
    assert Connection(KEY, host).host == host


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("http://api.pinecone.io", id="unencrypted"),
        pytest.param("http://128.0.0.1", id="one-past-loopback"),
        pytest.param("http://localhost.example", id="localhost-as-a-label"),
        pytest.param("http://127.0.0.1.example", id="loopback-as-labels"),
        pytest.param("http://0.0.0.0:80", id="any-address"),
        pytest.param("http://user@127.0.0.1", id="user"),
        pytest.param("https://127.0.0.1@api.example", id="host-hidden-behind-a-user"),
        pytest.param("ftp://api.pinecone.io", id="other-scheme"),
        pytest.param("https://", id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("https://[::1", id="incomplete-address"),
        pytest.param("https://api.pinecone.io:99999", id="invalid-port"),
        pytest.param("https://api.pinecone.io/?a=b", id="query"),
        pytest.param("https://api.pinecone.io/#a", id="fragment"),
        pytest.param("https://api.pinecone.io/\r\nX: y", id="line-break"),
        pytest.param("https://api..pinecone.io", id="empty-label"),
        pytest.param(f"https://{'a' * 64}.example", id="label-one-past-limit"),
        pytest.param("https://api.pinecöne.io", id="look-alike-letters"),
    ],
)
def test_unsafe_and_invalid_hosts_are_refused(host: str) -> None:
    """The key is never sent unencrypted, no host is guessed, and the error does not contain the key."""
    with pytest.raises(SettingsError) as error_info:
        Connection(KEY, host)
    assert KEY not in str(error_info.value)


def test_https_is_the_default_scheme() -> None:
    """A host without a scheme is read as by the official SDK; a trailing slash is ignored."""
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
def test_an_invalid_key_is_refused_without_repeating_it(key: str) -> None:
    """A key is printable ASCII without spaces."""
    with pytest.raises(SettingsError) as error_info:
        Connection(key)
    assert "canar" not in str(error_info.value)


def test_the_text_of_a_connection_has_no_key() -> None:
    """A connection can be printed."""
    assert KEY not in repr(Connection(KEY))


def test_schedules_have_the_same_api_version_by_default() -> None:
    """A separate version for schedules is optional."""
    assert Connection(KEY, api_version="2026-04").schedules_api_version == "2026-04"
    assert Connection(KEY, api_version="2025-10", schedules_api_version="unstable").schedules_api_version == "unstable"


def test_a_version_with_a_line_break_is_refused() -> None:
    """A version cannot add a header."""
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
def test_the_concurrency_has_limits(max_concurrency: int, is_accepted: bool) -> None:
    """From 1 to 256 calls may be in flight."""
    if is_accepted:
        assert Connection(KEY, max_concurrency=max_concurrency).max_concurrency == max_concurrency
    else:
        with pytest.raises(SettingsError):
            Connection(KEY, max_concurrency=max_concurrency)


@pytest.mark.parametrize(
    "host, control_host",
    [
        pytest.param("orders-1a2b3c4.svc.aped-4627-b74a.pinecone.io", DEFAULT_HOST, id="pinecone"),
        pytest.param("https://orders.svc.pinecone.io", DEFAULT_HOST, id="with-a-scheme"),
        pytest.param("orders.svc.pinecone.io.", DEFAULT_HOST, id="absolute-name"),
        pytest.param("orders.svc.pinecone.io", "https://gateway.example", id="pinecone-behind-a-gateway"),
        pytest.param("https://gateway.example/orders", "https://gateway.example", id="the-gateway-itself"),
        pytest.param("http://127.0.0.1:5080/data/orders", "http://127.0.0.1:5080", id="simulator"),
    ],
)
def test_a_trusted_host_of_an_index_gets_the_key(host: str, control_host: str) -> None:
    """The key is sent to hosts of pinecone.io, and to the host of the control plane; all else stays as it was."""
    connection = Connection(KEY, control_host).with_index_host(host)
    assert connection.host == (host if "://" in host else f"https://{host}")
    assert (connection.key, connection.host_source) == (KEY, "the host of the index")


@pytest.mark.parametrize(
    "host, control_host",
    [
        pytest.param("orders.svc.example", DEFAULT_HOST, id="other-domain"),
        pytest.param("pinecone.io.example", DEFAULT_HOST, id="pinecone-as-labels"),
        pytest.param("evilpinecone.io", DEFAULT_HOST, id="look-alike"),
        pytest.param("http://orders.svc.pinecone.io", DEFAULT_HOST, id="unencrypted"),
        pytest.param("http://127.0.0.1:5080", DEFAULT_HOST, id="this-machine"),
        pytest.param("http://127.0.0.2:5080", "http://127.0.0.1:5080", id="other-loopback-address"),
        pytest.param("https://other.example", "https://gateway.example", id="other-host-than-the-gateway"),
        pytest.param("https://user@orders.svc.pinecone.io", DEFAULT_HOST, id="user"),
        pytest.param("orders.svc.pinecone.io@example.com", DEFAULT_HOST, id="host-as-a-user"),
        pytest.param(f"{KEY}.example", DEFAULT_HOST, id="key-in-the-host"),
    ],
)
def test_any_other_host_of_an_index_does_not_get_the_key(host: str, control_host: str) -> None:
    """A response of the control plane cannot send the key elsewhere, and the error does not contain the key."""
    with pytest.raises(UntrustedHostError, match="the key is not sent to the host of the index, '") as error_info:
        Connection(KEY, control_host).with_index_host(host)
    assert KEY not in str(error_info.value)
    assert (error_info.value.__cause__, error_info.value.__context__) == (None, None)

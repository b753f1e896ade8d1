"""Which proxy is used for which host."""

import pytest

from backup_auditor.adapters.pinecone.connection import find_proxy
from backup_auditor.errors import SettingsError

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def _clear_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)


@pytest.mark.parametrize(
    "entry, host, port",
    [
        pytest.param("*", "api.pinecone.io", None, id="all"),
        pytest.param("api.pinecone.io", "api.pinecone.io", None, id="name"),
        pytest.param("pinecone.io", "api.pinecone.io", None, id="domain"),
        pytest.param(".pinecone.io", "api.pinecone.io", None, id="domain-with-dot"),
        pytest.param("other.example, api.pinecone.io:443", "api.pinecone.io", None, id="usual-port"),
        pytest.param("gateway.example:8443", "gateway.example", 8443, id="port"),
        pytest.param("10.1.2.3", "10.1.2.3", None, id="address"),
        pytest.param("10.0.0.0/8", "10.1.2.3", None, id="network"),
        pytest.param("fd00::/8", "fd00::1", 8443, id="network-of-version-6"),
    ],
)
def test_a_host_in_no_proxy_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, entry: str, host: str, port: int | None
) -> None:
    """NO_PROXY can contain names, domains, ports, addresses and networks."""
    monkeypatch.setenv("NO_PROXY", entry)
    assert find_proxy(host, port) is None


@pytest.mark.parametrize("entry", ["", "io.pinecone", "api.pinecone.io:8443", "10.0.0.0/8", "api"])
def test_other_hosts_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """A host that NO_PROXY does not contain is reached through the proxy."""
    monkeypatch.setenv("NO_PROXY", entry)
    proxy = find_proxy("api.pinecone.io", None)
    assert str(proxy) == "the proxy http://proxy.example:3128 (HTTPS_PROXY)"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_the_proxy_of_plain_http_is_not_used(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """HTTP_PROXY does not apply, because other hosts are reached by https."""
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(variable, PROXY)
    assert find_proxy("api.pinecone.io", None) is None


def test_https_proxy_comes_before_all_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy in ALL_PROXY does no harm if HTTPS_PROXY is set."""
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080")
    proxy = find_proxy("api.pinecone.io", None)
    assert proxy is not None
    assert proxy.source == "HTTPS_PROXY"


def test_no_text_of_a_proxy_contains_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `str` nor `repr` contains it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://canary:canary@[fd00::1]:3128/canary?canary")
    proxy = find_proxy("api.pinecone.io", None)
    assert proxy is not None
    assert proxy.name == "http://[fd00::1]:3128"
    assert "canary" not in f"{proxy} {proxy!r}"


def test_the_error_of_an_unsupported_proxy_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names only scheme, host and port."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://canary:canary@127.0.0.1:1080")
    with pytest.raises(
        SettingsError, match=r"socks5://127\.0\.0\.1:1080 \(HTTPS_PROXY\) is a SOCKS proxy"
    ) as error_info:
        find_proxy("api.pinecone.io", None)
    assert "canary" not in str(error_info.value)

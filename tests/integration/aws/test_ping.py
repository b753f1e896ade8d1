"""Test the call of a ping URL."""

from pathlib import Path

import pytest

from backup_auditor.adapters.webhooks import ping
from backup_auditor.errors import DeliveryError, SecretError
from support.certificates import make_authority, make_server_context
from support.proxies import serve_tls
from support.raw_server import serve_answer

SECRET = "backup-auditor/pings/all"  # noqa: S105  a name
CANARY = "canary-of-the-ping-tests"


def test_the_url_is_called_once_unchanged() -> None:
    """The URL is called once by GET with its path and query."""
    with serve_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK") as (port, requests):
        ping(f"http://127.0.0.1:{port}/{CANARY}?rid=1", SECRET)
    (request,) = requests
    assert request.startswith(f"GET /{CANARY}?rid=1 HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    "response, expected_error",
    [
        pytest.param(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "returned 404", id="not-found"),
        pytest.param(
            b"HTTP/1.1 520 \r\nContent-Length: 0\r\n\r\n",
            "returned 520; the next look of watch calls it again",
            id="gateway",
        ),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", "returned 302", id="redirect"),
        pytest.param(b"no HTTP\r\n\r\n", "did not respond", id="no-http"),
        pytest.param(b"", "did not respond", id="nothing"),
    ],
)
def test_an_error_names_the_secret_and_not_the_url(response: bytes, expected_error: str) -> None:
    """The error names the secret, and no redirect is followed, because the URL is a secret."""
    with serve_answer(response) as (port, requests), pytest.raises(DeliveryError, match=expected_error) as error_info:
        ping(f"http://127.0.0.1:{port}/{CANARY}", SECRET)
    assert SECRET in str(error_info.value)
    assert CANARY not in str(error_info.value)
    assert len(requests) == 1


def test_the_configured_certificate_store_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A certificate of a private CA is accepted only if SSL_CERT_FILE names the CA."""
    store = tmp_path / "corporate.pem"
    store.write_bytes(make_authority().pem)
    context = make_server_context(tmp_path, "127.0.0.1")
    with (
        serve_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (plain_port, requests),
        serve_tls(plain_port, context) as port,
    ):
        with pytest.raises(
            DeliveryError, match="the certificate of the URL in backup-auditor/pings/all is not trusted"
        ):
            ping(f"https://127.0.0.1:{port}/{CANARY}", SECRET)
        monkeypatch.setenv("SSL_CERT_FILE", str(store))
        ping(f"https://127.0.0.1:{port}/{CANARY}", SECRET)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
        with pytest.raises(DeliveryError, match=r"SSL_CERT_FILE is '.*nothing': no such file"):
            ping(f"https://127.0.0.1:{port}/{CANARY}", SECRET)
    assert len(requests) == 1


def test_a_refused_connection_is_an_error() -> None:
    """The error for a refused connection names the kind of the failure."""
    with pytest.raises(DeliveryError, match=r"did not respond \(ConnectionRefusedError\)"):
        ping("http://127.0.0.1:9/", SECRET)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"http://{CANARY}.example/", id="plain-http"),
        pytest.param(f"http://localhost/{CANARY}", id="name-of-loopback"),
        pytest.param(f"ftp://127.0.0.1/{CANARY}", id="ftp"),
        pytest.param(f"https:///{CANARY}", id="no-host"),
        pytest.param(f"https://[{CANARY}", id="invalid-address"),
        pytest.param(f"https://127.0.0.1:port/{CANARY}", id="port"),
        pytest.param(f"https://127.0.0.1/{CANARY}\nHost: x", id="line-break"),
        pytest.param(CANARY, id="no-scheme"),
    ],
)
def test_an_invalid_url_is_not_called(url: str) -> None:
    """Plain HTTP is allowed only for loopback, and the error does not show the URL."""
    with pytest.raises(SecretError) as error_info:
        ping(url, SECRET)
    assert CANARY not in str(error_info.value)

"""Test the command behind a proxy and with a private certificate authority."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.certificates import make_authority, make_server_context
from support.cli import CompletedCommand, build_access_environment, run_command
from support.proxies import ConnectProxy, run_proxy, serve_tls
from support.raw_server import serve_answer
from support.simulator import SIMULATED_NOW

AUDIT_ARGUMENTS = ("audit", "--now", SIMULATED_NOW.isoformat(), "--no-state")
HOST = "api.pinecone.io"
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
UNSHARE = shutil.which("unshare") or ""


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    """Return the path of a file with the private CA."""
    path = tmp_path / "corporate.pem"
    path.write_bytes(make_authority().pem)
    return str(path)


@pytest.fixture
def tls_port(healthy_server: Server, tmp_path: Path) -> Iterator[int]:
    """Serve the healthy project over TLS, with a certificate of the private CA."""
    context = make_server_context(tmp_path, HOST, "127.0.0.1")
    with serve_tls(healthy_server.port, context) as it:
        yield it


def audit_by_tls(server: Server, port: int, **variables: str) -> CompletedCommand:
    """Audit the server that speaks TLS on a local port."""
    host = f"https://127.0.0.1:{port}"
    return run_command(
        *AUDIT_ARGUMENTS, env=build_access_environment(server, PINECONE_CONTROLLER_HOST=host, **variables)
    )


def audit_by_proxy(server: Server, **variables: str) -> CompletedCommand:
    """Audit Pinecone's own host, which is reachable only through a proxy."""
    env = build_access_environment(server, **variables)
    del env["PINECONE_CONTROLLER_HOST"]
    return run_command(*AUDIT_ARGUMENTS, env=env)


def get_error_line(completed: CompletedCommand) -> str:
    """Return the one error line of a refused command."""
    assert (completed.exit_code, completed.output) == (2, "")
    (line,) = completed.error_output.splitlines()
    return line


def test_a_private_ca_in_a_file_is_trusted(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """The certificates in SSL_CERT_FILE are trusted."""
    assert audit_by_tls(healthy_server, tls_port, SSL_CERT_FILE=ca_file).exit_code == 0


@pytest.mark.parametrize("is_hashed", [True, False], ids=["hashed", "not-hashed"])
def test_a_private_ca_in_a_directory_is_trusted(
    healthy_server: Server, tls_port: int, ca_file: str, tmp_path: Path, is_hashed: bool
) -> None:
    """The certificates in SSL_CERT_DIR are trusted, with or without `openssl rehash`."""
    directory = tmp_path / "trusted"
    directory.mkdir()
    shutil.copy(ca_file, directory / "corporate.crt")
    (directory / "README").write_text("certificates of the company")
    if is_hashed:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("openssl is not installed")
        subprocess.run([openssl, "rehash", directory], check=True, capture_output=True)
    variables = {"SSL_CERT_DIR": f"{tmp_path / 'nothing-here'}:{directory}"}
    assert audit_by_tls(healthy_server, tls_port, **variables).exit_code == 0


def test_an_untrusted_certificate_names_the_host_the_reason_and_the_remedy(
    healthy_server: Server, tls_port: int
) -> None:
    """The error for an untrusted certificate names the host, the operating system's store and the variable to set."""
    line = get_error_line(audit_by_tls(healthy_server, tls_port))
    assert f"the certificate of 127.0.0.1:{tls_port} is not trusted: " in line
    assert "the operating system's certificate store" in line
    assert "set SSL_CERT_FILE" in line


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_an_untrusted_certificate_names_the_variable_and_its_path(
    healthy_server: Server, tls_port: int, tmp_path: Path, variable: str
) -> None:
    """The error names the variable and the path of the store that lacks the CA."""
    directory = tmp_path / "others"
    directory.mkdir()
    other_path = directory / "other.pem"
    other_path.write_bytes(make_authority("Another CA of a test").pem)
    path = other_path if variable == "SSL_CERT_FILE" else directory
    line = get_error_line(audit_by_tls(healthy_server, tls_port, **{variable: str(path)}))
    assert f"127.0.0.1:{tls_port} is not trusted" in line
    assert f"{variable}={path}" in line


@pytest.mark.parametrize(
    "variable, content, reason",
    [
        pytest.param("SSL_CERT_FILE", None, "no such file", id="missing-file"),
        pytest.param("SSL_CERT_FILE", b"", "no certificate", id="empty-file"),
        pytest.param("SSL_CERT_FILE", b"\x00\x01", "no certificate", id="not-pem"),
        pytest.param("SSL_CERT_DIR", None, "no certificate", id="missing-directory"),
        pytest.param("SSL_CERT_DIR", b"", "no certificate", id="file-instead-of-directory"),
    ],
)
def test_a_path_without_certificates_is_one_error_line(
    healthy_server: Server, tmp_path: Path, variable: str, content: bytes | None, reason: str
) -> None:
    """A variable that names no certificates is refused before the first connection."""
    path = tmp_path / "certificates"
    if content is not None:
        path.write_bytes(content)
    line = get_error_line(audit_by_tls(healthy_server, 1, **{variable: str(path)}))
    assert line.startswith(f"backup-auditor: {variable} is '{path}': ")
    assert reason in line


def test_an_empty_variable_counts_as_absent(healthy_server: Server, tls_port: int) -> None:
    """With empty variables the operating system's store is used."""
    line = get_error_line(audit_by_tls(healthy_server, tls_port, SSL_CERT_FILE="", SSL_CERT_DIR=""))
    assert "the operating system's certificate store" in line


def test_a_certificate_of_another_host_is_refused(healthy_server: Server, tmp_path: Path, ca_file: str) -> None:
    """A trusted certificate for another host name is refused."""
    with serve_tls(healthy_server.port, make_server_context(tmp_path, "other.example")) as port:
        line = get_error_line(audit_by_tls(healthy_server, port, SSL_CERT_FILE=ca_file))
    assert "is not trusted: " in line
    assert "check the host name" in line


def test_an_expired_certificate_is_refused(healthy_server: Server, tmp_path: Path, ca_file: str) -> None:
    """An expired certificate is refused, and the remedy names the clock."""
    context = make_server_context(tmp_path, "127.0.0.1", end=datetime(2001, 1, 1, tzinfo=UTC))
    with serve_tls(healthy_server.port, context) as port:
        line = get_error_line(audit_by_tls(healthy_server, port, SSL_CERT_FILE=ca_file))
    assert "certificate has expired; check the clock" in line


def test_plain_http_behind_https_is_reported(healthy_server: Server) -> None:
    """The error for a port that does not speak TLS asks to check the port."""
    with serve_answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as (port, _):
        assert "check that the host and its port speak https" in get_error_line(audit_by_tls(healthy_server, port))


@pytest.mark.skipif(
    os.geteuid() != 0 or not SYSTEM_BUNDLE.is_file() or not UNSHARE,
    reason="only root can change the store of a namespace",
)
def test_the_operating_systems_store_is_trusted(
    healthy_server: Server, tls_port: int, ca_file: str, tmp_path: Path
) -> None:
    """A CA in the operating system's store is trusted without any variable."""
    changed_bundle = tmp_path / "ca-certificates.crt"
    changed_bundle.write_bytes(SYSTEM_BUNDLE.read_bytes() + Path(ca_file).read_bytes())
    script = f'mount --bind "{changed_bundle}" "{SYSTEM_BUNDLE}" && exec "{COMMAND}" "$@"'
    env = build_access_environment(healthy_server, PINECONE_CONTROLLER_HOST=f"https://127.0.0.1:{tls_port}")
    probe = subprocess.run([UNSHARE, "--mount", "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        pytest.skip("this machine allows no mount namespace")
    process = subprocess.run(
        [UNSHARE, "--mount", "/bin/sh", "-c", script, "sh", *AUDIT_ARGUMENTS], env=env, capture_output=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, b"")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(healthy_server: Server, tls_port: int, ca_file: str, variable: str) -> None:
    """Every connection is a CONNECT request to the proxy."""
    proxy = ConnectProxy(tls_port)
    with run_proxy(proxy) as proxy_port:
        result = audit_by_proxy(healthy_server, SSL_CERT_FILE=ca_file, **{variable: f"127.0.0.1:{proxy_port}"})
    assert (result.exit_code, result.error_output) == (0, "")
    assert set(proxy.request_lines) == {f"CONNECT {HOST}:443 HTTP/1.1"}


def test_proxy_credentials_are_sent_and_not_shown(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """The user name and the password of the variable are sent to the proxy, and no output has them."""
    proxy = ConnectProxy(tls_port, credentials="canary-user:canary/password")
    with run_proxy(proxy) as proxy_port:
        accepted_result = audit_by_proxy(
            healthy_server,
            SSL_CERT_FILE=ca_file,
            HTTPS_PROXY=f"http://canary-user:canary%2Fpassword@127.0.0.1:{proxy_port}",
        )
        rejected_result = audit_by_proxy(
            healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"http://canary-user:canary-wrong@127.0.0.1:{proxy_port}"
        )
        anonymous_result = audit_by_proxy(
            healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}"
        )
    assert accepted_result.exit_code == 0
    for result in (rejected_result, anonymous_result):
        line = get_error_line(result)
        assert f"the proxy http://127.0.0.1:{proxy_port} (HTTPS_PROXY)" in line
        assert "407" in line
        assert "user name" in line
    assert "canary" not in rejected_result.error_output + accepted_result.error_output + accepted_result.output


def test_a_proxy_over_tls_uses_the_same_store(
    healthy_server: Server, tls_port: int, ca_file: str, tmp_path: Path
) -> None:
    """The certificates in SSL_CERT_FILE are trusted for the proxy and for the host."""
    with ExitStack() as stack:
        plain_port = stack.enter_context(run_proxy(ConnectProxy(tls_port)))
        proxy_port = stack.enter_context(serve_tls(plain_port, make_server_context(tmp_path, "127.0.0.1")))
        assert (
            audit_by_proxy(
                healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"https://127.0.0.1:{proxy_port}"
            ).exit_code
            == 0
        )


@pytest.mark.parametrize(
    "proxy_answer, reason",
    [
        pytest.param(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403 Forbidden; allow", id="refuses"),
        pytest.param(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "503 No", id="unavailable"),
        pytest.param(b"", "through the proxy", id="closes-the-connection"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "through the proxy", id="not-a-proxy"),
    ],
)
def test_a_proxy_that_does_not_connect_is_named(
    healthy_server: Server, tls_port: int, ca_file: str, proxy_answer: bytes, reason: str
) -> None:
    """The error names the proxy and the reason."""
    with run_proxy(ConnectProxy(tls_port, scripted_answers=[proxy_answer] * 99)) as proxy_port:
        result = audit_by_proxy(
            healthy_server,
            SSL_CERT_FILE=ca_file,
            HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}",
            BACKUP_AUDITOR_DEADLINE="9s",
        )
    output_text = result.error_output + result.output
    assert result.exit_code in {2, 3}
    assert f"the proxy http://127.0.0.1:{proxy_port} (HTTPS_PROXY)" in output_text
    assert reason in output_text


def test_a_connection_through_a_proxy_is_retried(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """A transient error of the proxy and a closed connection are retried, and the audit succeeds."""
    scripted_answers = [b"", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]
    with run_proxy(ConnectProxy(tls_port, scripted_answers=scripted_answers)) as proxy_port:
        assert (
            audit_by_proxy(
                healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}"
            ).exit_code
            == 0
        )


def test_a_proxy_that_closes_a_connection_is_named(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """The error names the proxy if the connection ends before the TLS handshake."""
    with run_proxy(ConnectProxy(tls_port, dies_after_connecting=True)) as proxy_port:
        line = get_error_line(
            audit_by_proxy(healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}")
        )
    assert f"through the proxy http://127.0.0.1:{proxy_port} (HTTPS_PROXY)" in line


def test_an_unreachable_proxy_is_named(healthy_server: Server) -> None:
    """The error for a refused connection names the proxy, not the host."""
    line = get_error_line(audit_by_proxy(healthy_server, HTTPS_PROXY="http://canary-user:canary-password@127.0.0.1:1"))
    assert "the proxy http://127.0.0.1:1 (HTTPS_PROXY) refused the connection" in line
    assert "canary" not in line


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks", "ftp"])
def test_a_proxy_with_an_unsupported_scheme_is_refused(healthy_server: Server, scheme: str) -> None:
    """The error names the proxy, its variable and the remedy."""
    line = get_error_line(
        audit_by_proxy(healthy_server, ALL_PROXY=f"{scheme}://canary-user:canary-password@127.0.0.1:1080")
    )
    assert f"the proxy {scheme}://127.0.0.1:1080 (ALL_PROXY) is a" in line
    assert "not supported; set HTTPS_PROXY to an HTTP proxy" in line
    assert "canary" not in line


@pytest.mark.parametrize("text", ["http://", "http://[", "http://127.0.0.1:port", "http://canary user@127.0.0.1:1"])
def test_an_invalid_proxy_address_is_refused(healthy_server: Server, text: str) -> None:
    """The error names the variable and does not show its value."""
    line = get_error_line(audit_by_proxy(healthy_server, HTTPS_PROXY=text))
    assert line == "backup-auditor: invalid proxy address in HTTPS_PROXY (expected one like http://proxy.example:3128)"


def test_an_untrusted_certificate_behind_a_proxy_names_both(healthy_server: Server, tls_port: int) -> None:
    """The error names the host and the proxy, because a proxy that inspects TLS shows its own certificate."""
    with run_proxy(ConnectProxy(tls_port)) as proxy_port:
        line = get_error_line(audit_by_proxy(healthy_server, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}"))
    assert f"the certificate of {HOST} is not trusted" in line
    assert f"(through the proxy http://127.0.0.1:{proxy_port} (HTTPS_PROXY))" in line

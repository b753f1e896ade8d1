"""The command behind proxies and certificate authorities of a company."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.server import Server
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
    """Serve the healthy project by TLS, under a certificate of the private CA."""
    context = make_server_context(tmp_path, HOST, "127.0.0.1")
    with serve_tls(healthy_server.port, context) as it:
        yield it


def audit_by_tls(server: Server, port: int, **variables: str) -> CompletedCommand:
    """Audit what is served by TLS on a port of this machine."""
    host = f"https://127.0.0.1:{port}"
    return run_command(
        *AUDIT_ARGUMENTS, env=build_access_environment(server, PINECONE_CONTROLLER_HOST=host, **variables)
    )


def audit_by_proxy(server: Server, **variables: str) -> CompletedCommand:
    """Audit Pinecone's own host, which only a proxy can lead to."""
    env = build_access_environment(server, **variables)
    del env["PINECONE_CONTROLLER_HOST"]
    return run_command(*AUDIT_ARGUMENTS, env=env)


def get_error_line(completed: CompletedCommand) -> str:
    """Return the one line of a command that audited nothing."""
    assert (completed.exit_code, completed.output) == (2, "")
    (line,) = completed.error_output.splitlines()
    return line


def test_a_private_ca_in_a_file_is_trusted(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """SSL_CERT_FILE names the certificates to trust."""
    assert audit_by_tls(healthy_server, tls_port, SSL_CERT_FILE=ca_file).exit_code == 0


@pytest.mark.parametrize("is_hashed", [True, False], ids=["hashed", "as-it-is"])
def test_a_private_ca_in_a_directory_is_trusted(
    healthy_server: Server, tls_port: int, ca_file: str, tmp_path: Path, is_hashed: bool
) -> None:
    """SSL_CERT_DIR names directories, whether or not `openssl rehash` has been there."""
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
    """Without the CA nothing is audited, and the operating system's store is named."""
    line = get_error_line(audit_by_tls(healthy_server, tls_port))
    assert f"the certificate of 127.0.0.1:{tls_port} is not trusted: " in line
    assert "the operating system's certificate store" in line
    assert "set SSL_CERT_FILE" in line


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_an_untrusted_certificate_names_the_variable_and_its_path(
    healthy_server: Server, tls_port: int, tmp_path: Path, variable: str
) -> None:
    """The error names the store that lacks the CA."""
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
        pytest.param("SSL_CERT_FILE", None, "no such file", id="no-file"),
        pytest.param("SSL_CERT_FILE", b"", "no certificate", id="empty-file"),
        pytest.param("SSL_CERT_FILE", b"\x00\x01", "no certificate", id="no-pem"),
        pytest.param("SSL_CERT_DIR", None, "no certificate", id="no-directory"),
        pytest.param("SSL_CERT_DIR", b"", "no certificate", id="a-file-for-a-directory"),
    ],
)
def test_a_wrong_path_is_one_clear_error(
    healthy_server: Server, tmp_path: Path, variable: str, content: bytes | None, reason: str
) -> None:
    """A variable that names no certificates ends the command before anything is connected."""
    path = tmp_path / "certificates"
    if content is not None:
        path.write_bytes(content)
    line = get_error_line(audit_by_tls(healthy_server, 1, **{variable: str(path)}))
    assert line.startswith(f"backup-auditor: {variable} is '{path}': ")
    assert reason in line


def test_an_empty_variable_counts_as_absent(healthy_server: Server, tls_port: int) -> None:
    """The operating system's store is trusted then."""
    line = get_error_line(audit_by_tls(healthy_server, tls_port, SSL_CERT_FILE="", SSL_CERT_DIR=""))
    assert "the operating system's certificate store" in line


def test_a_certificate_of_another_host_is_refused(healthy_server: Server, tmp_path: Path, ca_file: str) -> None:
    """A certificate of another host is refused, even if a trusted CA signed it."""
    with serve_tls(healthy_server.port, make_server_context(tmp_path, "other.example")) as port:
        line = get_error_line(audit_by_tls(healthy_server, port, SSL_CERT_FILE=ca_file))
    assert "is not trusted: " in line
    assert "check the host name" in line


def test_an_expired_certificate_is_refused(healthy_server: Server, tmp_path: Path, ca_file: str) -> None:
    """The date counts, and the remedy speaks of it."""
    context = make_server_context(tmp_path, "127.0.0.1", end=datetime(2001, 1, 1, tzinfo=UTC))
    with serve_tls(healthy_server.port, context) as port:
        line = get_error_line(audit_by_tls(healthy_server, port, SSL_CERT_FILE=ca_file))
    assert "certificate has expired; check the clock" in line


def test_plain_http_behind_https_is_reported(healthy_server: Server) -> None:
    """A port that does not speak TLS is named as such."""
    with serve_answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as (port, _):
        assert "check that the host and its port speak https" in get_error_line(audit_by_tls(healthy_server, port))


@pytest.mark.skipif(
    os.geteuid() != 0 or not SYSTEM_BUNDLE.is_file() or not UNSHARE,
    reason="only root can change the store of a namespace",
)
def test_the_operating_systems_store_is_trusted(
    healthy_server: Server, tls_port: int, ca_file: str, tmp_path: Path
) -> None:
    """A CA that was added to the system's store is trusted without a word."""
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
    """Everything goes through it, by CONNECT, to the host that the certificate is for."""
    proxy = ConnectProxy(tls_port)
    with run_proxy(proxy) as proxy_port:
        result = audit_by_proxy(healthy_server, SSL_CERT_FILE=ca_file, **{variable: f"127.0.0.1:{proxy_port}"})
    assert (result.exit_code, result.error_output) == (0, "")
    assert set(proxy.request_lines) == {f"CONNECT {HOST}:443 HTTP/1.1"}


def test_a_proxy_may_ask_who_one_is(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """The user name and the password of the variable are sent, and never shown."""
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


def test_a_proxy_that_is_reached_by_tls_is_trusted_likewise(
    healthy_server: Server, tls_port: int, ca_file: str, tmp_path: Path
) -> None:
    """One store holds for the proxy and for the host."""
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
        pytest.param(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "503 No", id="cannot"),
        pytest.param(b"", "through the proxy", id="dies"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "through the proxy", id="is-none"),
    ],
)
def test_a_proxy_that_does_not_connect_is_named(
    healthy_server: Server, tls_port: int, ca_file: str, proxy_answer: bytes, reason: str
) -> None:
    """The host was not reached, and the error names the proxy as the cause."""
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


def test_a_proxy_that_fails_once_is_called_again(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """What passes leaves no trace, be it an answer of the proxy or the end of a connection."""
    scripted_answers = [b"", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]
    with run_proxy(ConnectProxy(tls_port, scripted_answers=scripted_answers)) as proxy_port:
        assert (
            audit_by_proxy(
                healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}"
            ).exit_code
            == 0
        )


def test_a_proxy_that_dies_after_it_connected_is_named(healthy_server: Server, tls_port: int, ca_file: str) -> None:
    """The connection ends before TLS was agreed on."""
    with run_proxy(ConnectProxy(tls_port, dies_after_connecting=True)) as proxy_port:
        line = get_error_line(
            audit_by_proxy(healthy_server, SSL_CERT_FILE=ca_file, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}")
        )
    assert f"through the proxy http://127.0.0.1:{proxy_port} (HTTPS_PROXY)" in line


def test_a_proxy_that_is_not_there_is_named(healthy_server: Server) -> None:
    """A refused connection is the proxy's, not the host's."""
    line = get_error_line(audit_by_proxy(healthy_server, HTTPS_PROXY="http://canary-user:canary-password@127.0.0.1:1"))
    assert "the proxy http://127.0.0.1:1 (HTTPS_PROXY) refused the connection" in line
    assert "canary" not in line


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks", "ftp"])
def test_a_proxy_of_another_kind_is_refused_by_name(healthy_server: Server, scheme: str) -> None:
    """The line names the proxy, its variable and the way out."""
    line = get_error_line(
        audit_by_proxy(healthy_server, ALL_PROXY=f"{scheme}://canary-user:canary-password@127.0.0.1:1080")
    )
    assert f"the proxy {scheme}://127.0.0.1:1080 (ALL_PROXY) is a" in line
    assert "not supported; set HTTPS_PROXY to an HTTP proxy" in line
    assert "canary" not in line


@pytest.mark.parametrize("text", ["http://", "http://[", "http://127.0.0.1:port", "http://canary user@127.0.0.1:1"])
def test_what_is_no_proxy_is_refused(healthy_server: Server, text: str) -> None:
    """The variable is named, and what it holds is not repeated."""
    line = get_error_line(audit_by_proxy(healthy_server, HTTPS_PROXY=text))
    assert line == "backup-auditor: invalid proxy address in HTTPS_PROXY (expected one like http://proxy.example:3128)"


def test_an_untrusted_certificate_behind_a_proxy_names_both(healthy_server: Server, tls_port: int) -> None:
    """A proxy that opens TLS shows a certificate of its own: the line names it beside the host."""
    with run_proxy(ConnectProxy(tls_port)) as proxy_port:
        line = get_error_line(audit_by_proxy(healthy_server, HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}"))
    assert f"the certificate of {HOST} is not trusted" in line
    assert f"(through the proxy http://127.0.0.1:{proxy_port} (HTTPS_PROXY))" in line

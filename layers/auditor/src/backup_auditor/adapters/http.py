"""What every HTTP client of the project shares: which statuses are transient, and which certificates are trusted.

Trusted is the operating system's certificate store, or what SSL_CERT_FILE and SSL_CERT_DIR name.
"""

import os
import re
import ssl
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from backup_auditor.domain.text import quote_text
from backup_auditor.errors import SettingsError

_TRANSIENT_STATUSES = frozenset({408, 429, *range(500, 600)}) - {501, 505}


def is_transient(status: int) -> bool:
    """Return whether the same request may succeed later: 408, 429, and every 5xx except 501 and 505.

    The 5xx include 520 to 530: gateways use them when the service behind them failed.
    """
    return status in _TRANSIENT_STATUSES


FILE_VARIABLE = "SSL_CERT_FILE"
DIRECTORY_VARIABLE = "SSL_CERT_DIR"
_SYSTEM_STORE = "the operating system's certificate store"
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # newer Fedora and RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, BSD
    "/usr/local/etc/ssl/cert.pem",  # FreeBSD
)
"""Paths of the certificate stores of systems. A Python that was built elsewhere may not know them."""
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")
_EXPIRED, _NOT_YET_VALID, _WRONG_HOST, _WRONG_ADDRESS = 10, 9, 62, 64
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, _CERT_NOT_YET_VALID, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH."""


def make_tls_context(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return a context for clients. Raises `SettingsError` if a variable names no certificates.

    A variable that is set replaces the system's store. An empty variable counts as absent.
    """
    file, directories = _read_store_variables(environ)
    if not file and not directories:
        return _make_system_context()
    context = _make_empty_context()
    if file:
        try:
            context.load_verify_locations(cafile=file)
        except OSError as error:
            problem = f"{FILE_VARIABLE} is {quote_text(file)}: {_describe_error(error)}"
            remedy = "name a file of certificates in PEM, or unset it to trust the operating system's store"
            raise SettingsError(f"{problem}; {remedy}") from None
    if directories:
        _load_directories(context, directories)
    return context


def describe_store(environ: Mapping[str, str] = os.environ) -> str:
    """Return which certificates are trusted."""
    file, directories = _read_store_variables(environ)
    variables = [f"{FILE_VARIABLE}={file}"] if file else []
    variables += [f"{DIRECTORY_VARIABLE}={os.pathsep.join(directories)}"] if directories else []
    return " and ".join(variables) or _SYSTEM_STORE


def explain_tls_failure(error: ssl.SSLError, host: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return in one line why TLS with a host failed, and what to do."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = (error.reason or "no reason given").replace("_", " ").lower()
        return f"TLS with {host} failed: {reason}; check that the host and its port speak https"
    # OpenSSL's own message repeats the name of the host, which may be secret.
    is_for_other_host = error.verify_code in {_WRONG_HOST, _WRONG_ADDRESS}
    reason = "it is for another host" if is_for_other_host else error.verify_message or error.reason
    return f"the certificate of {host} is not trusted: {reason}; {_find_remedy(error.verify_code, environ)}"


def _find_remedy(code: int, environ: Mapping[str, str]) -> str:
    if code in {_EXPIRED, _NOT_YET_VALID}:
        return "check the clock of this machine, and renew the certificate"
    if code in {_WRONG_HOST, _WRONG_ADDRESS}:
        return "check the host name, and whether a proxy answers in its place"
    store = describe_store(environ)
    alternative = f"set {FILE_VARIABLE} to a PEM file with that CA" if store == _SYSTEM_STORE else "unset it"
    return f"only {store} is trusted; add the CA that signed the certificate there, or {alternative}"


def _read_store_variables(environ: Mapping[str, str]) -> tuple[str, list[str]]:
    file = environ.get(FILE_VARIABLE, "").strip()
    directories = environ.get(DIRECTORY_VARIABLE, "").strip()
    return file, [it for it in directories.split(os.pathsep) if it]


def _make_empty_context() -> ssl.SSLContext:
    """Return a context that verifies chain, host and dates, and trusts no CA yet.

    Like curl and browsers, it does not require extensions that many private CAs omit (VERIFY_X509_STRICT), and it
    accepts an intermediate CA of the store as a root.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _make_system_context() -> ssl.SSLContext:
    if sys.platform == "darwin":
        import truststore  # noqa: PLC0415  installed only on macOS

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = _make_empty_context()
    paths = ssl.get_default_verify_paths()  # the compiled-in paths: this module reads the variables, not OpenSSL
    bundle = next((it for it in (paths.openssl_cafile, *_BUNDLES) if Path(it).is_file()), None)
    directory = paths.openssl_capath if _has_entries(paths.openssl_capath) else None
    if bundle is None and directory is None:
        raise SettingsError(
            "no certificate store was found on this machine; "
            f"install the package ca-certificates, or set {FILE_VARIABLE} to a PEM file of certificates"
        )
    try:
        context.load_verify_locations(cafile=bundle, capath=directory)
    except OSError as error:
        raise SettingsError(
            f"the operating system's certificate store {bundle} cannot be read: {_describe_error(error)}; "
            f"repair it, or set {FILE_VARIABLE} to a PEM file of certificates"
        ) from None
    return context


def _has_entries(directory: str) -> bool:
    try:
        return any(Path(directory).iterdir())
    except OSError:
        return False


def _load_directories(context: ssl.SSLContext, directories: list[str]) -> None:
    """Load directories: lazily if `openssl rehash` named their files, else file by file."""
    has_certificate = False
    for directory in filter(_has_entries, directories):
        if any(_HASHED_NAME.fullmatch(it.name) for it in Path(directory).iterdir()):
            context.load_verify_locations(capath=directory)
            has_certificate = True
            continue
        for file in Path(directory).iterdir():
            if file.suffix in {".pem", ".crt", ".cer"} and file.is_file():
                with suppress(OSError):  # another file beside the certificates
                    context.load_verify_locations(cafile=file)
                    has_certificate = True
    if not has_certificate:
        raise SettingsError(
            f"{DIRECTORY_VARIABLE} is {quote_text(os.pathsep.join(directories))}: it has no certificates; "
            "name a directory of certificates in PEM, or unset it to trust the operating system's store"
        )


def _describe_error(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it has no certificate in PEM format"
    return (error.strerror or "it cannot be read").lower()

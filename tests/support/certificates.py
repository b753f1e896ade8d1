"""Certificate authorities and certificates in files for tests."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID_FROM, VALID_UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)
"""A validity so long that no test depends on the date."""


@dataclass(frozen=True)
class Authority:
    """A certificate authority for tests."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The certificate to trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@cache
def make_authority(name: str = "Private CA of a test") -> Authority:
    """Create an authority, as `openssl req -x509` does."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _make_builder(_make_name(name), _make_name(name), key.public_key(), VALID_UNTIL)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Authority(key, builder.sign(key, hashes.SHA256()))


def make_server_context(
    folder: Path, *hosts: str, signer: Authority | None = None, end: datetime = VALID_UNTIL
) -> SSLContext:
    """Return a TLS context with a certificate for hosts that lacks the extensions of strict verification."""
    issuer = signer or make_authority()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _make_builder(_make_name(hosts[0]), issuer.certificate.subject, key.public_key(), end)
    names = x509.SubjectAlternativeName([_make_general_name(it) for it in hosts])
    certificate = builder.add_extension(names, critical=False).sign(issuer.key, hashes.SHA256())
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / f"{hosts[0]}.pem"
    path.write_bytes(key.private_bytes(*encoding) + certificate.public_bytes(serialization.Encoding.PEM))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _make_builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(end)
    )


def _make_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _make_general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)

"""Keys and certificates of one cluster: a CA, its serving certificate, the service account key, a token.

Elliptic curve keys throughout: making them takes milliseconds. Nothing here outlives the fleet, so
everything is valid for a year and nothing is ever renewed.
"""

from __future__ import annotations

import datetime
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = datetime.timedelta(days=365)
_SERVICE_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ADMIN = "argosy-admin"


@dataclass(frozen=True)
class Pki:
    """Files of one cluster's keys, all in one directory."""

    directory: Path

    @property
    def ca(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.directory / "ca.key"

    @property
    def serving(self) -> Path:
        return self.directory / "serving.crt"

    @property
    def serving_key(self) -> Path:
        return self.directory / "serving.key"

    @property
    def service_account_key(self) -> Path:
        return self.directory / "service-account.key"

    @property
    def tokens(self) -> Path:
        """The static token file of the API server; its one line is the administrator's."""
        return self.directory / "tokens.csv"

    def admin_token(self) -> str:
        return self.tokens.read_text().split(",", 1)[0]


def create(directory: Path, name: str, hosts: Sequence[str] = ("127.0.0.1",)) -> Pki:
    """Write all of a cluster's keys; `hosts` are names or addresses that its API server is reached by."""
    pki = Pki(directory)
    directory.mkdir(parents=True, exist_ok=True)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate(f"{name}-ca", ca_key, ca_key, issuer=None, extensions=_ca_extensions())
    serving_key = ec.generate_private_key(ec.SECP256R1())
    serving = _certificate(
        f"{name}-serving", serving_key, ca_key, issuer=ca, extensions=_serving_extensions(hosts)
    )
    pki.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    pki.serving.write_bytes(serving.public_bytes(serialization.Encoding.PEM))
    _write_secret(pki.ca_key, _pem(ca_key))
    _write_secret(pki.serving_key, _pem(serving_key))
    _write_secret(pki.service_account_key, _pem(ec.generate_private_key(ec.SECP256R1())))
    line = f'{secrets.token_urlsafe(32)},{ADMIN},{ADMIN},"system:masters"\n'
    _write_secret(pki.tokens, line.encode())
    return pki


def _certificate(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Certificate | None,
    extensions: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A little back: a guest's clock may lag behind the host's.
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        # OpenSSL 3 (and with it Python 3.13 in its strict mode) wants both key identifiers.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def _ca_extensions() -> list[x509.ExtensionType]:
    return [x509.BasicConstraints(ca=True, path_length=None), _key_usage(certificates=True)]


def _serving_extensions(hosts: Sequence[str]) -> list[x509.ExtensionType]:
    names = [*map(_general_name, hosts), *map(x509.DNSName, _SERVICE_NAMES)]
    return [
        x509.BasicConstraints(ca=False, path_length=None),
        _key_usage(certificates=False),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectAlternativeName(names),
    ]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # The classic format: it is what the API server's reader of service account keys expects first.
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write_secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)

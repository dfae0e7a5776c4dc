"""Keys, requests for certificates, and what a certificate says. Pure but for the randomness of a key."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controllers.api import fingerprint
from controllers.api.membership import MANAGED_CLUSTERS, group, user

# A certificate is renewed when less than this share of its life is left: of 30 days 12 to 18, so that a hub may be away
# for a fortnight; spread so that a thousand clusters that joined together do not come together.
_LEAST_LEFT: Final = 0.40
_SPREAD: Final = 0.20


class CertificateError(ValueError):
    """No certificate, or no key, or not the one for the other. The text says which."""


class Certificate(NamedTuple):
    """`user`: common name. Times are aware."""

    user: str
    begins: datetime
    ends: datetime

    def is_ours(self, cluster: str) -> bool:
        """Whether it makes its holder this agent of the cluster, who has asked for it, and is to renew it."""
        return self.user == user(cluster)

    def is_of_another(self, cluster: str) -> bool:
        """Whether it makes its holder an agent, but not one of this cluster."""
        return self.user.startswith(group("")) and not self.user.startswith(user(cluster, ""))

    def due(self, chance: float) -> datetime:
        """When to renew it. `chance`, at least 0 and less than 1, spreads the agents of many clusters."""
        left = _LEAST_LEFT + _SPREAD * chance
        return self.ends - (self.ends - self.begins) * left


def new_key() -> bytes:
    """A private key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_request(key: bytes, cluster: str) -> bytes:
    """PEM of the request that makes the holder of `key` the agent of `cluster`. Raises CertificateError."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, user(cluster))]
    names += [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in (group(cluster), MANAGED_CLUSTERS)
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    return builder.sign(_key(key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def key_fingerprint(key: bytes) -> str:
    """By which the hub's administrator knows it again. Raises CertificateError."""
    return fingerprint.of_public_key(_key(key).public_key())


def asks_for(request: bytes, key: bytes) -> bool:
    """Whether the request, PEM, was made with this key."""
    try:
        return x509.load_pem_x509_csr(request).public_key() == _key(key).public_key()
    except ValueError:
        return False


def read(certificate: bytes) -> Certificate:
    """What the first certificate of a PEM text says. Raises CertificateError."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise CertificateError(f"not a certificate: {error}") from error
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        str(names[0].value) if names else "", found.not_valid_before_utc, found.not_valid_after_utc
    )


def belongs(certificate: bytes, key: bytes) -> bool:
    """Whether the certificate, PEM, was issued for this key."""
    try:
        return x509.load_pem_x509_certificate(certificate).public_key() == _key(key).public_key()
    except ValueError:
        return False


def _key(key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError(f"not a private key: {error}") from error
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise CertificateError("not an elliptic curve key")
    return found

"""The fingerprint by which a person, or the hub, knows a public key again: SHA-256 of its DER form. Pure."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes


def of_public_key(key: PublicKeyTypes) -> str:
    """64 hexadecimal digits, as `openssl pkey -pubin -outform DER | sha256sum` prints them."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def of_request(request: bytes) -> str:
    """Of the key in a certificate request, PEM. Raises ValueError."""
    try:
        return of_public_key(x509.load_pem_x509_csr(request).public_key())
    except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ValueError(str(error)) from error


def same(given: str, found: str) -> bool:
    """Whether a fingerprint that a person typed is `found`: case, colons and `SHA256:` in front do not matter."""
    return given.strip().lower().removeprefix("sha256:").replace(":", "") == found

"""An authority that signs certificates for tests that need no API server."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGINS = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

_KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])


def issued(request: bytes, *, hours: float = 24.0) -> bytes:
    """The certificate, PEM, that `request` asks for; it begins at BEGINS."""
    asked = x509.load_pem_x509_csr(request)
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(_NAME)
        .public_key(asked.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(BEGINS + datetime.timedelta(hours=hours))
    )
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

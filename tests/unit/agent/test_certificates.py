"""Keys, requests and certificates of agents."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from agent.certificates import (
    Certificate,
    CertificateError,
    asks_for,
    belongs,
    key_fingerprint,
    new_key,
    read,
    signing_request,
)
from controllers.api import fingerprint
from tests.certificates import BEGINS, issued

USER = "system:open-cluster-management:c1:argosy-agent"


def test_a_request_asks_for_user_and_groups_of_the_clusters_agent() -> None:
    asked = x509.load_pem_x509_csr(signing_request(new_key(), "c1"))
    assert [item.value for item in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [USER]
    assert {item.value for item in asked.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)} == {
        "system:open-cluster-management:c1",
        "system:open-cluster-management:managed-clusters",
    }
    assert asked.is_signature_valid


def test_a_request_is_known_again_by_its_key() -> None:
    mine, other = new_key(), new_key()
    request = signing_request(mine, "c1")
    assert asks_for(request, mine)
    assert not asks_for(request, other)
    assert not asks_for(b"nonsense", mine)
    assert not asks_for(request, b"nonsense")


def test_a_key_is_known_again_by_its_fingerprint() -> None:
    """The same from the key and from a request; as a person types it, too."""
    key = new_key()
    found = fingerprint.of_request(signing_request(key, "c1"))
    assert found == key_fingerprint(key)
    assert found != key_fingerprint(new_key())
    typed = "SHA256:" + ":".join(found.upper()[at : at + 2] for at in range(0, 64, 2))
    assert [fingerprint.same(text, found) for text in (found, typed, found[:10], "")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="PEM"):
        fingerprint.of_request(b"nonsense")


def test_a_certificate_belongs_to_the_key_that_it_was_asked_with() -> None:
    key = new_key()
    certificate = issued(signing_request(key, "c1"))
    assert belongs(certificate, key)
    assert not belongs(certificate, new_key())
    assert not belongs(b"nonsense", key)
    assert not belongs(certificate, b"nonsense")


def test_a_certificate_is_read() -> None:
    found = read(issued(signing_request(new_key(), "c1"), hours=100))
    assert found == Certificate(USER, BEGINS, BEGINS + datetime.timedelta(hours=100))
    assert found.is_ours("c1")
    assert not found.is_ours("c")
    with pytest.raises(CertificateError, match="not a certificate"):
        read(b"nonsense")


@pytest.mark.parametrize(
    ("user", "is_of_another"),
    [
        (USER, False),
        ("system:open-cluster-management:c1:4xk2p", False),
        ("system:open-cluster-management:c2:argosy-agent", True),
        ("system:open-cluster-management:c1-b:argosy-agent", True),
        ("system:admin", False),
    ],
)
def test_a_certificate_of_another_clusters_agent_is_noticed(user: str, is_of_another: bool) -> None:
    found = Certificate(user, BEGINS, BEGINS)
    assert found.is_of_another("c1") is is_of_another


@pytest.mark.parametrize(("chance", "hours"), [(0.0, 60.0), (0.5, 50.0), (0.999, 40.02)])
def test_it_is_renewed_when_about_half_of_its_life_is_left(chance: float, hours: float) -> None:
    certificate = Certificate(USER, BEGINS, BEGINS + datetime.timedelta(hours=100))
    due = certificate.due(chance) - BEGINS
    assert due / datetime.timedelta(hours=1) == pytest.approx(hours)


def test_a_key_of_another_kind_is_refused() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(CertificateError, match="elliptic"):
        signing_request(other, "c1")
    with pytest.raises(CertificateError, match="private key"):
        signing_request(b"nonsense", "c1")


def test_the_test_authority_signs_as_one_does() -> None:
    """What the other tests rest on."""
    certificate = x509.load_pem_x509_certificate(issued(signing_request(new_key(), "c1")))
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)

"""A request for a certificate names one user."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controllers.api.membership import group, user
from registration.judge import Verdict, judge
from tests.unit.registration.test_judge import BOOTSTRAP, Asked, cluster

AGENT = user("c1")


def csr(*common_names: str) -> bytes:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names]
    subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group("c1")))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    key = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def verdict(*common_names: str, by: str) -> Verdict:
    asked = Asked(by=by, request=csr(*common_names)).body
    return judge(asked, cluster(), [BOOTSTRAP, "system:authenticated"]).verdict


def test_one_common_name_is_an_agents() -> None:
    assert verdict(AGENT, by=BOOTSTRAP) is Verdict.ACCEPT
    assert verdict(AGENT, by=AGENT) is Verdict.RENEW


@pytest.mark.parametrize("by", [BOOTSTRAP, AGENT, "system:admin"])
@pytest.mark.parametrize("names", [(), (AGENT, "system:admin"), ("system:admin", AGENT), (AGENT, AGENT)])
def test_none_or_several_are_no_agents(names: tuple[str, ...], by: str) -> None:
    """Readers differ in which of several they take: Go's x509 has the last one."""
    assert verdict(*names, by=by) is Verdict.NOT_OURS

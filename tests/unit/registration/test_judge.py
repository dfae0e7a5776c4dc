"""Which certificate requests are an agent's, and which are approved without a person."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.certificates import new_key, signing_request
from controllers.api.cluster import ACCEPTED, AVAILABLE, ManagedCluster
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.membership import MANAGED_CLUSTERS, SIGNER, group, user
from controllers.api.signing import SigningRequest
from registration.judge import Verdict, judge

BOOTSTRAP = "system:serviceaccount:argosy:agent-bootstrap"
AGENT = user("c1")


@dataclasses.dataclass(frozen=True)
class Asked:
    cluster: str = "c1"
    by: str = BOOTSTRAP
    groups: tuple[str, ...] = ("system:authenticated",)
    request: bytes = dataclasses.field(default_factory=lambda: signing_request(new_key(), "c1"))
    signer: str = SIGNER
    usages: tuple[str, ...] = ("digital signature", "client auth")

    @property
    def body(self) -> SigningRequest:
        labels = {CLUSTER_NAME_LABEL: self.cluster} if self.cluster else {}
        spec = {
            "request": self.request,
            "signerName": self.signer,
            "usages": list(self.usages),
            "username": self.by,
            "groups": list(self.groups),
        }
        return msgspec.convert(
            {"metadata": {"name": "r", "labels": labels}, "spec": spec},
            SigningRequest,
            builtin_types=(bytes,),
        )


def cluster(*, accepts: bool = False, leaving: bool = False, **conditions: str) -> ManagedCluster:
    metadata: dict[str, Any] = {"name": "c1"}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = [
        {"type": {"accepted": ACCEPTED, "available": AVAILABLE}[name], "status": value, "reason": "R",
         "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for name, value in conditions.items()
    ]  # fmt: skip
    body = {"metadata": metadata, "spec": {"hubAcceptsClient": accepts}, "status": {"conditions": status}}
    return msgspec.convert(body, ManagedCluster)


def csr(common_name: str, *organizations: str, names: list[str] | None = None) -> bytes:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, item) for item in organizations]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(item) for item in names])
        builder = builder.add_extension(alternative, critical=False)
    key = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "asked",
    [
        Asked(cluster=""),
        Asked(cluster="c2"),
        Asked(signer="kubernetes.io/kubelet-serving"),
        Asked(request=b"nonsense"),
        Asked(request=csr("system:admin", group("c1"))),
        Asked(request=csr(AGENT, group("c1"), "system:masters")),
        Asked(request=csr(AGENT, "system:masters")),
        Asked(request=csr(AGENT)),
        Asked(request=csr(user("c1-b"), group("c1"))),
        Asked(request=csr(AGENT, group("c1"), names=["hub.example"])),
        Asked(usages=("client auth", "server auth")),
    ],
)
def test_what_is_no_agents_request_is_left_alone(asked: Asked) -> None:
    for by in (BOOTSTRAP, AGENT, "system:admin"):
        request = dataclasses.replace(asked, by=by).body
        assert judge(request, cluster(), [BOOTSTRAP, "system:authenticated"]).verdict is Verdict.NOT_OURS


def test_the_group_of_all_agents_may_be_left_out() -> None:
    for organizations in ((group("c1"),), (group("c1"), MANAGED_CLUSTERS)):
        request = Asked(request=csr(AGENT, *organizations)).body
        assert judge(request, cluster(), [BOOTSTRAP]).verdict is Verdict.ACCEPT


def test_an_agent_renews_its_own_certificate() -> None:
    """Also OCM's, whose last part of the name is made at random."""
    for name in (AGENT, "system:open-cluster-management:c1:4xk2p"):
        request = Asked(by=name, request=csr(name, group("c1"))).body
        assert judge(request, cluster(accepts=True, available="True"), []).verdict is Verdict.RENEW


def test_an_agent_gets_no_certificate_of_another_agent() -> None:
    assert judge(Asked(by=user("c2")).body, cluster(accepts=True), []).verdict is Verdict.ASK


@pytest.mark.parametrize(
    ("trusted", "by", "groups", "verdict"),
    [
        ([], BOOTSTRAP, (), Verdict.ASK),
        ([BOOTSTRAP], BOOTSTRAP, (), Verdict.ACCEPT),
        ([BOOTSTRAP], "system:serviceaccount:argosy:other", (), Verdict.ASK),
        (["system:bootstrappers"], "x", ("system:bootstrappers",), Verdict.ACCEPT),
        (["system:bootstrappers"], "x", ("others",), Verdict.ASK),
    ],
)
def test_only_those_who_are_trusted_bring_clusters_in(
    trusted: list[str], by: str, groups: tuple[str, ...], verdict: Verdict
) -> None:
    assert judge(Asked(by=by, groups=groups).body, cluster(), trusted).verdict is verdict


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (None, "there is no ManagedCluster c1"),
        (cluster(accepted="False"), "was denied before"),
        (cluster(leaving=True), "about to leave"),
        (cluster(accepts=True, accepted="True", available="True"), "has an agent that lives"),
    ],
)
def test_a_person_decides_where_trust_is_not_enough(member: ManagedCluster | None, why: str) -> None:
    found = judge(Asked().body, member, [BOOTSTRAP])
    assert found.verdict is Verdict.ASK
    assert why in found.why


def test_a_cluster_whose_agent_is_dead_may_come_back() -> None:
    lost = cluster(accepts=True, accepted="True", available="Unknown")
    assert judge(Asked().body, lost, [BOOTSTRAP]).verdict is Verdict.ACCEPT

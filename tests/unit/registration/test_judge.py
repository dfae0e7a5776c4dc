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

from agent.certificates import key_fingerprint, new_key, signing_request
from controllers.api.cluster import ACCEPTED, AVAILABLE, JOINED, ManagedCluster
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.membership import CERTIFICATE_SECONDS, MANAGED_CLUSTERS, SIGNER, group, user
from controllers.api.signing import SigningRequest
from registration.judge import Around, Verdict, agent_of, doubts, judge, lifetime

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
    seconds: int | None = CERTIFICATE_SECONDS

    @property
    def body(self) -> SigningRequest:
        labels = {CLUSTER_NAME_LABEL: self.cluster} if self.cluster else {}
        spec = {
            "request": self.request,
            "signerName": self.signer,
            "usages": list(self.usages),
            "username": self.by,
            "groups": list(self.groups),
            "expirationSeconds": self.seconds,
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
        {"type": {"accepted": ACCEPTED, "available": AVAILABLE, "joined": JOINED}[name], "status": value, "reason": "R",
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
    """Also OCM's, whose last part of the name is made at random, where its certificates do not hold too long."""
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
        (cluster(accepts=True, joined="True"), "has joined already, with another key"),
        (cluster(accepts=True, accepted="True", available="True"), "has an agent that lives"),
    ],
)
def test_a_person_decides_where_trust_is_not_enough(member: ManagedCluster | None, why: str) -> None:
    found = judge(Asked().body, member, [BOOTSTRAP])
    assert found.verdict is Verdict.ASK
    assert why in found.why


KEY = new_key()
MINE = Asked(request=signing_request(KEY, "c1"))


def test_a_cluster_whose_agent_is_dead_comes_back_with_its_own_key_alone() -> None:
    """That it is merely not available is no reason to give its place to whoever asks."""
    lost = cluster(accepts=True, accepted="True", joined="True", available="Unknown")
    known = Around(key=key_fingerprint(KEY))
    assert judge(MINE.body, lost, [BOOTSTRAP], known).verdict is Verdict.ACCEPT
    for around in (known, Around()):
        found = judge(Asked().body, lost, [BOOTSTRAP], around)
        assert (found.verdict, found.why) == (Verdict.ASK, "c1 has joined already, with another key")


def test_an_agent_that_lives_may_come_back_with_its_own_key() -> None:
    alive = cluster(accepts=True, accepted="True", joined="True", available="True")
    known = Around(key=key_fingerprint(KEY), lives=True)
    assert judge(MINE.body, alive, [BOOTSTRAP], known).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("asked", "around", "why"),
    [
        (Asked(by=user("c2")), Around(), "is the agent of another cluster, c2"),
        (Asked(groups=(group("c2"), MANAGED_CLUSTERS)), Around(), "is the agent of another cluster, c2"),
        (Asked(by="system:serviceaccount:c2:argosy-agent"), Around(), "is the agent of another cluster, c2"),
        (Asked(), Around(lives=True), "c1 has an agent that lives"),
        (Asked(), Around(rivals=1), "2 requests with different keys wait for c1"),
        (Asked(seconds=None), Around(), "as long as the hub signs"),
        (Asked(seconds=365 * 86400), Around(), "holds 365 days, more than 90 days"),
        (Asked(seconds=7201), Around(longest=7200), "holds 2.0 h, more than 2.0 h"),
    ],
)
def test_what_is_doubtful_is_not_accepted_on_trust(asked: Asked, around: Around, why: str) -> None:
    everybody = ["system:authenticated", BOOTSTRAP, MANAGED_CLUSTERS, user("c2"), asked.by]
    found = judge(asked.body, cluster(), everybody, around)
    assert found.verdict is Verdict.ASK
    assert why in found.why
    assert [why in item for item in doubts(asked.body, cluster(), around)] == [True]


def test_how_long_a_certificate_holds_may_be_left_to_the_hub() -> None:
    unlimited = Around(longest=0)
    for seconds in (None, 10 * 365 * 86400):
        assert judge(Asked(seconds=seconds).body, cluster(), [BOOTSTRAP], unlimited).verdict is Verdict.ACCEPT
    renewing = Asked(by=AGENT, seconds=None).body
    assert judge(renewing, cluster(accepts=True), [], unlimited).verdict is Verdict.RENEW
    assert judge(renewing, cluster(accepts=True), []).verdict is Verdict.ASK


def test_an_agent_that_renews_is_no_rival_of_itself() -> None:
    found = Around(key="another", lives=True, rivals=3)
    asked = Asked(by=AGENT).body
    assert judge(asked, cluster(accepts=True, available="True"), [], found).verdict is Verdict.RENEW


@pytest.mark.parametrize(
    ("username", "groups", "cluster_name"),
    [
        (AGENT, (), "c1"),
        ("x", (MANAGED_CLUSTERS, group("c3")), "c3"),
        ("x", (MANAGED_CLUSTERS,), ""),
        ("system:serviceaccount:c4:argosy-agent", (), "c4"),
        ("system:serviceaccount:argosy:agent-bootstrap", (), ""),
        ("system:admin", ("system:masters",), ""),
    ],
)
def test_whose_agent_somebody_is(username: str, groups: tuple[str, ...], cluster_name: str) -> None:
    assert agent_of(username, groups) == cluster_name


def test_a_request_that_cannot_be_read_in_full_is_left_alone() -> None:
    """One that has two extensions of one kind, which the library refuses to read."""
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, AGENT)]
    subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group("c1"))]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    for oid in ("1.2.3.4", "1.2.3.5"):
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"x")
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    der = made.public_bytes(serialization.Encoding.DER).replace(b"\x2a\x03\x05", b"\x2a\x03\x04")
    pem = x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM)
    found = judge(Asked(request=pem).body, cluster(), [BOOTSTRAP])
    assert (found.verdict, "not a certificate request: Duplicate" in found.why) == (Verdict.NOT_OURS, True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "as long as the hub signs, mostly a year"),
        (600, "0.2 h"),
        (86400, "1 days"),
        (2592000, "30 days"),
    ],
)
def test_how_long_is_said_in_words(seconds: int | None, text: str) -> None:
    assert lifetime(seconds) == text

"""Whether a request for a certificate is one of an agent, and whether it may be approved without a person. Pure.

The rules are those of OCM's approving controller (`pkg/registration/register/csr` of open-cluster-management.io/ocm
v1.2.0), and stricter in three: the common name ends at the cluster's name, no other usages and no alternative names are
asked for, and nobody takes the place of an agent that lives.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from controllers.api.cluster import ACCEPTED, AVAILABLE, ManagedCluster
from controllers.api.conditions import find, is_true
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.membership import MANAGED_CLUSTERS, SIGNER, group, user
from controllers.api.signing import SigningRequest, SigningRequestSpec

_USAGES: Final = frozenset({"digital signature", "key encipherment", "client auth"})


class Verdict(enum.Enum):
    """What is to become of a request."""

    NOT_OURS = enum.auto()
    """None of an agent: somebody else's to answer."""
    RENEW = enum.auto()
    """The agent itself asks. To be approved if it has the right to renew."""
    ACCEPT = enum.auto()
    """Whoever asks is trusted: to be approved, and the cluster to be let in."""
    ASK = enum.auto()
    """A person has to decide."""


class Judgement(NamedTuple):
    """`why`: for a person."""

    verdict: Verdict
    cluster: str = ""
    why: str = ""


def judge(request: SigningRequest, cluster: ManagedCluster | None, trusted: Collection[str]) -> Judgement:
    """`cluster`: the ManagedCluster that the request's label names; None: there is none. `trusted`: users and groups
    whose clusters are let in."""
    name = cluster_of(request)
    if not name or request.spec.signer_name != SIGNER:
        return Judgement(Verdict.NOT_OURS)
    try:
        subject = _subject(request.spec, name)
    except ValueError as error:
        return Judgement(Verdict.NOT_OURS, name, str(error))
    if request.spec.username == subject:
        return Judgement(Verdict.RENEW, name)
    asker = request.spec.username
    if not {asker, *request.spec.groups} & set(trusted):
        return Judgement(Verdict.ASK, name, f"{asker} asks for the first time")
    if cluster is None:
        return Judgement(Verdict.ASK, name, f"there is no ManagedCluster {name}")
    if cluster.metadata.deletion_timestamp is not None:
        return Judgement(Verdict.ASK, name, f"{name} is about to leave")
    accepted = find(cluster.status.conditions, ACCEPTED)
    if not cluster.spec.hub_accepts_client and accepted is not None:
        return Judgement(Verdict.ASK, name, f"{name} was denied before")
    if is_true(cluster.status.conditions, AVAILABLE):
        return Judgement(Verdict.ASK, name, f"{name} has an agent that lives, whose place this would take")
    return Judgement(Verdict.ACCEPT, name)


def cluster_of(request: SigningRequest) -> str:
    """The cluster that the request says to be of; "" for none."""
    return request.metadata.labels.get(CLUSTER_NAME_LABEL, "")


def _subject(spec: SigningRequestSpec, cluster: str) -> str:
    """The user that it asks to be. ValueError, with the reason, if it is no request of an agent of the cluster."""
    try:
        asked = x509.load_pem_x509_csr(spec.request)
    except ValueError as error:
        raise ValueError(f"not a certificate request: {error}") from error
    organizations = {
        str(item.value) for item in asked.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    }
    if organizations - {MANAGED_CLUSTERS} != {group(cluster)}:
        raise ValueError(f"it asks for the groups {sorted(organizations)}")
    names = [str(item.value) for item in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or not names[0].startswith(user(cluster, "")):
        raise ValueError(f"it asks for the users {names}")
    if extra := set(spec.usages) - _USAGES:
        raise ValueError(f"it asks for the usages {sorted(extra)}")
    if len(asked.extensions) > 0:
        raise ValueError("it asks for extensions")
    return names[0]

"""Whether a request for a certificate is one of an agent, and whether it may be approved without a person. Pure.

The rules are those of OCM's approving controller (`pkg/registration/register/csr` of open-cluster-management.io/ocm
v1.2.0), and stricter: the common name ends at the cluster's name, no other usages and no alternative names are asked
for, a certificate does not hold for long, and nobody takes the place of an agent that the hub knows.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from controllers.api import fingerprint
from controllers.api.cluster import ACCEPTED, AVAILABLE, JOINED, ManagedCluster
from controllers.api.conditions import find, is_true
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.membership import (
    AGENT,
    LONGEST_CERTIFICATE_SECONDS,
    MANAGED_CLUSTERS,
    SIGNER,
    group,
    user,
)
from controllers.api.signing import SigningRequest, SigningRequestSpec

_USAGES: Final = frozenset({"digital signature", "key encipherment", "client auth"})
_DAY: Final = 24 * 3600
# What there is in a request that the API server reads and cryptography does not.
_UNREADABLE: Final = (
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


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


class Around(NamedTuple):
    """What the hub knows beside a request. `key`: fingerprint of the key that the cluster's agent was last given a
    certificate for; "": none is known. `lives`: the agent's lease is fresh. `rivals`: how many other requests for the
    cluster, with other keys, wait for an answer. `longest`: for how many seconds a certificate may hold; 0: any."""

    key: str = ""
    lives: bool = False
    rivals: int = 0
    longest: int = LONGEST_CERTIFICATE_SECONDS


NOTHING_KNOWN: Final = Around()


def judge(
    request: SigningRequest,
    cluster: ManagedCluster | None,
    trusted: Collection[str],
    around: Around = NOTHING_KNOWN,
) -> Judgement:
    """`cluster`: the ManagedCluster that the request's label names; None: there is none. `trusted`: users and groups
    whose clusters are let in."""
    name = cluster_of(request)
    if not name or request.spec.signer_name != SIGNER:
        return Judgement(Verdict.NOT_OURS)
    try:
        subject = _subject(request.spec, name)
    except ValueError as error:
        return Judgement(Verdict.NOT_OURS, name, str(error))
    asker = request.spec.username
    found = doubts(request, cluster, around)
    if asker == subject:
        return Judgement(Verdict.ASK, name, "; ".join(found)) if found else Judgement(Verdict.RENEW, name)
    if cluster is None:
        return Judgement(Verdict.ASK, name, f"there is no ManagedCluster {name}")
    if cluster.metadata.deletion_timestamp is not None:
        return Judgement(Verdict.ASK, name, f"{name} is about to leave")
    if not {asker, *request.spec.groups} & set(trusted):
        return Judgement(Verdict.ASK, name, "; ".join([f"{asker} asks for the first time", *found]))
    if not cluster.spec.hub_accepts_client and find(cluster.status.conditions, ACCEPTED) is not None:
        found.append(f"{name} was denied before")
    if not found and _has_joined(cluster, around) and not is_of_known_key(request, around):
        found.append(f"{name} has joined already, with another key")
    return Judgement(Verdict.ASK, name, "; ".join(found)) if found else Judgement(Verdict.ACCEPT, name)


def doubts(request: SigningRequest, cluster: ManagedCluster | None, around: Around) -> list[str]:
    """Why an agent's request may not be what it seems, for whoever is about to approve it."""
    name, spec = cluster_of(request), request.spec
    found = []
    if (other := agent_of(spec.username, spec.groups)) not in ("", name):
        found.append(f"{spec.username} is the agent of another cluster, {other}")
    if (too_long := _too_long(spec.expiration_seconds, around.longest)) != "":
        found.append(too_long)
    if agent_of(spec.username, spec.groups) == name or is_of_known_key(request, around):
        return found
    if around.lives or (cluster is not None and is_true(cluster.status.conditions, AVAILABLE)):
        found.append(f"{name} has an agent that lives, whose place this would take")
    if around.rivals:
        found.append(f"{around.rivals + 1} requests with different keys wait for {name}")
    return found


def agent_of(username: str, groups: Sequence[str]) -> str:
    """The cluster whose agent this is, by certificate or by ServiceAccount; "" for somebody else."""
    for item in (username, *groups):
        if item.startswith(group("")) and item != MANAGED_CLUSTERS:
            return item.removeprefix(group("")).partition(":")[0]
    parts = username.split(":")
    is_account = len(parts) == 4 and parts[:2] == ["system", "serviceaccount"] and parts[3] == AGENT
    return parts[2] if is_account else ""


def is_of_known_key(request: SigningRequest, around: Around) -> bool:
    """Whether it is asked for with the key that the cluster's agent has had a certificate for: so it is that agent."""
    return bool(around.key) and key_of(request) == around.key


def key_of(request: SigningRequest) -> str:
    """The fingerprint of the key; "" for what is no certificate request."""
    try:
        return fingerprint.of_request(request.spec.request)
    except ValueError:
        return ""


def cluster_of(request: SigningRequest) -> str:
    """The cluster that the request says to be of; "" for none."""
    return request.metadata.labels.get(CLUSTER_NAME_LABEL, "")


def lifetime(seconds: int | None) -> str:
    """For how long a certificate is asked for, in words."""
    if seconds is None:
        return "as long as the hub signs, mostly a year"
    return f"{seconds / _DAY:.0f} days" if seconds >= _DAY else f"{seconds / 3600:.1f} h"


def _too_long(seconds: int | None, longest: int) -> str:
    if longest == 0 or (seconds is not None and seconds <= longest):
        return ""
    return f"it asks for a certificate that holds {lifetime(seconds)}, more than {lifetime(longest)}"


def _has_joined(cluster: ManagedCluster, around: Around) -> bool:
    return bool(around.key) or find(cluster.status.conditions, JOINED) is not None


def _subject(spec: SigningRequestSpec, cluster: str) -> str:
    """The user that it asks to be. ValueError, with the reason, if it is no request of an agent of the cluster."""
    try:
        asked = x509.load_pem_x509_csr(spec.request)
        organizations = _values(asked, NameOID.ORGANIZATION_NAME)
        names = _values(asked, NameOID.COMMON_NAME)
        has_extensions = len(asked.extensions) > 0
    except (ValueError, *_UNREADABLE) as error:
        raise ValueError(f"not a certificate request: {error}") from error
    if set(organizations) - {MANAGED_CLUSTERS} != {group(cluster)}:
        raise ValueError(f"it asks for the groups {sorted(set(organizations))}")
    if len(names) != 1 or not names[0].startswith(user(cluster, "")):
        raise ValueError(f"it asks for the users {names}")
    if extra := set(spec.usages) - _USAGES:
        raise ValueError(f"it asks for the usages {sorted(extra)}")
    if has_extensions:
        raise ValueError("it asks for extensions")
    return names[0]


def _values(asked: x509.CertificateSigningRequest, name: x509.ObjectIdentifier) -> list[str]:
    return [str(item.value) for item in asked.subject.get_attributes_for_oid(name)]

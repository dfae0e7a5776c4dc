"""Lets a cluster in as an administrator: shows what is about to be signed, and signs it unless there is a doubt."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controllers.acceptance import NotAccepted, accept, approve, known_key, leaving
from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import DEFAULT_CLUSTER_SET
from controllers.api.fingerprint import same
from controllers.api.keys import CLUSTER_NAME_LABEL, CLUSTER_SET_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER
from controllers.api.meta import parsed
from controllers.api.signing import SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import Conflict
from controllers.kube.object import Object
from controllers.runtime.clock import now
from registration.errors import CommandError
from registration.judge import Around, Verdict, doubts, judge, key_of, lifetime
from registration.lives import lives
from registration.requests import rivals

# How often it begins again when somebody else writes at the same moment.
_TRIES = 5


@dataclass(frozen=True)
class Candidate:
    """A request of an agent that waits for an answer. `key`: its fingerprint. `doubts`: see `judge.doubts`."""

    request: Object
    asked: SigningRequest
    key: str
    doubts: Sequence[str]


async def accept_cluster(hub: Client, name: str, *, key: str | None, dry_run: bool) -> None:
    """Prints what is asked for, and accepts it. `key`: fingerprint of the only request to approve, whatever speaks
    against it; None: the one that there is, if nothing does. Raises CommandError, ApiError."""
    for _ in range(_TRIES):
        with contextlib.suppress(Conflict):
            return await _accept(hub, name, key=key, dry_run=dry_run)
    raise CommandError(f"{name}: somebody else changes it all the time; try again")


async def _accept(hub: Client, name: str, *, key: str | None, dry_run: bool) -> None:
    cluster = await hub.find(MANAGED_CLUSTER, name)
    if cluster is None:
        raise CommandError(
            f"there is no ManagedCluster {name} at {hub.host}: it has not asked yet (python -m agent join)"
        )
    found = await _candidates(hub, cluster)
    moment = now()
    print("\n".join([*_about(cluster, moment), *(line for item in found for line in _shown(item, moment))]))
    if cluster.metadata.deletion_timestamp is not None:
        raise CommandError(leaving(cluster))
    chosen = _chosen(name, found, key)
    if dry_run:
        print(f"{name}: nothing was accepted (--dry-run)")
        return
    try:
        await accept(hub, cluster)
    except NotAccepted as error:
        raise CommandError(str(error)) from error
    for item in chosen:
        await approve(hub, item.request, "AcceptedByAdmin", "Accepted with python -m registration accept")
    print(f"{name}: accepted, certificate requests approved: {len(chosen)}")


async def _candidates(hub: Client, cluster: Object) -> list[Candidate]:
    name, member = cluster.metadata.name, cluster.decode(ManagedCluster)
    requests, _ = await hub.list(CERTIFICATE_SIGNING_REQUEST, label_selector=f"{CLUSTER_NAME_LABEL}={name}")
    asked = [(item, item.decode(SigningRequest)) for item in requests]
    around = Around(key=await known_key(hub, name), lives=await lives(hub, member, now()))
    found = []
    for request, one in asked:
        if one.status.conditions or judge(one, member, ()).verdict is Verdict.NOT_OURS:
            continue
        here = around._replace(rivals=rivals(one, (other for _, other in asked)))
        found.append(Candidate(request, one, key_of(one), doubts(one, member, here)))
    return found


def _chosen(name: str, found: Sequence[Candidate], key: str | None) -> list[Candidate]:
    if key is not None:
        chosen = [item for item in found if same(key, item.key)]
        if not chosen:
            raise CommandError(f"{name}: nothing was accepted, since no request waits with the key {key}")
        return chosen
    reasons = list(dict.fromkeys(doubt for item in found for doubt in item.doubts))
    if reasons:
        raise CommandError(
            f"{name}: nothing was accepted, since {'; '.join(reasons)}. If it is right all the same: compare the key "
            "with the one that python -m agent join has shown where the cluster is, and repeat this with "
            "--fingerprint KEY"
        )
    return list(found)


# -- what is shown ---------------------------------------------------------------------------------------
def _about(cluster: Object, moment: datetime) -> list[str]:
    meta, spec = cluster.metadata, cluster.decode(ManagedCluster).spec
    state = "accepted already" if spec.hub_accepts_client else "not accepted yet"
    labels = [f"{key}={value}" for key, value in sorted(meta.labels.items())]
    return [
        f"{meta.name}: made {_age(meta.creation_timestamp, moment)} ago, {state}",
        f"  cluster set  {meta.labels.get(CLUSTER_SET_LABEL) or f'{DEFAULT_CLUSTER_SET}, as it has no label for one'}",
        f"  labels       {', '.join(labels) or 'none'}",
    ]


def _shown(item: Candidate, moment: datetime) -> list[str]:
    meta, spec = item.request.metadata, item.asked.spec
    lines = [
        f"  request      {meta.name}, made {_age(meta.creation_timestamp, moment)} ago",
        f"    asked by   {spec.username}",
        f"    groups     {', '.join(spec.groups) or 'none'}",
        f"    key        {item.key}",
        f"    holds for  {lifetime(spec.expiration_seconds)}",
    ]
    return [*lines, *(f"    doubt      {doubt}" for doubt in item.doubts)]


def _age(created: str, moment: datetime) -> str:
    seconds = max(0.0, (moment - parsed(created)).total_seconds())
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

"""Makes a cluster a member of the hub, as OCM's agent does it: ManagedCluster, certificate, acceptance.

The credentials to begin with need not be able to do more than ask (`python -m registration invite` makes such): the
hub answers, by its administrator or by itself for identities that it was told. With an administrator's credentials
`accept` does the hub's part, too, whether or not anything of Argosy runs there. Safe to repeat at any point.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from agent.certificates import belongs, key_fingerprint, new_key
from agent.credentials import Keep
from agent.hub_kubeconfig import by_certificate, by_token, certificate_of, fault, key_of
from agent.signing import SigningError, answer, ask
from controllers.acceptance import NotAccepted, accept, approve, leaving
from controllers.api.cluster import ManagedCluster
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER, SECRET, SERVICE_ACCOUNT
from controllers.api.membership import AGENT, joining_names, name_fault, renewal_names
from controllers.kube.client import Client
from controllers.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
)
from controllers.kube.kubeconfig import KubeconfigError, cluster_of
from controllers.kube.object import Object
from controllers.kube.patch import apply_patch
from controllers.runtime.backoff import Backoff
from controllers.runtime.clock import now
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch

log = structlog.get_logger(__name__)

_FIELD_MANAGER = "argosy-join"
_TOKEN_DEADLINE = 30.0
_LOOK = Backoff(base=0.1, cap=5.0)

Json = dict[str, Any]


class JoinError(Exception):
    """The cluster could not be made a member; the text says what to do."""


@dataclass(frozen=True)
class Wish:
    """`hub`: how it is reached (`kubeconfig.cluster_of`). `token`: a ServiceAccount's token instead of a certificate,
    for hubs that issue none; needs `accept`, for which the credentials must be an administrator's."""

    cluster: str
    hub: Json
    labels: Mapping[str, str] = field(default_factory=dict)
    lease_seconds: int = 60
    accept: bool = False
    token: bool = False


async def join(hub: Client, wish: Wish, keep: Keep, *, clock: Callable[[], datetime] = now) -> Json:
    """Waits until the cluster is a member; returns the agent's kubeconfig, which is in `keep` then.

    Raises JoinError, ApiError, OSError.
    """
    cluster = wish.cluster
    if why := name_fault(cluster):
        raise JoinError(why)
    try:
        registered = await _register(hub, wish)
        if registered is not None and wish.accept:
            await _accept(hub, registered)
        kubeconfig = await (_by_token(hub, wish) if wish.token else _by_certificate(hub, wish, keep, clock()))
    except NotFound as error:
        raise JoinError(
            f"the hub at {hub.host} does not know {error.details.get('kind') or 'a kind that is needed'}: "
            "install the CRDs there first (make install, or kubectl apply -f crds/)"
        ) from error
    except Forbidden as error:
        advice = "use an administrator's" if wish.accept else "make others with python -m registration invite"
        raise JoinError(
            f"these hub credentials may not register a cluster ({error.message}): {advice}"
        ) from error
    except NotAccepted as error:
        raise JoinError(str(error)) from error
    await keep.save(kubeconfig)
    await _wait_accepted(kubeconfig, cluster)
    log.info("joined", cluster=cluster, hub=hub.host, kubeconfig=str(keep))
    return kubeconfig


# -- the ManagedCluster ----------------------------------------------------------------------------------
async def _register(hub: Client, wish: Wish) -> Object | None:
    """The ManagedCluster, None if these credentials may not read one that was there. Raises JoinError, ApiError.

    The label `name` lets a Placement select one cluster by its name, which clusters have in common use.
    """
    body: Json = {
        "apiVersion": MANAGED_CLUSTER.api_version,
        "kind": MANAGED_CLUSTER.kind,
        "metadata": {"name": wish.cluster, "labels": {"name": wish.cluster, **wish.labels}},
        "spec": {"leaseDurationSeconds": wish.lease_seconds},
    }
    if wish.accept:
        present = await _found(hub, wish.cluster)
        # A new cluster is accepted once it is sure that it can be: see `acceptance.accept`.
        is_accepted = present is not None and present.decode(ManagedCluster).spec.hub_accepts_client
        body["spec"] |= {"hubAcceptsClient": True} if is_accepted else {}
        patch = apply_patch(body, field_manager=_FIELD_MANAGER, force=True)
        return _staying(await hub.patch(MANAGED_CLUSTER, wish.cluster, patch))
    try:
        return await hub.create(MANAGED_CLUSTER, body)
    except AlreadyExists:
        log.info("cluster_known", cluster=wish.cluster, hint="its labels are as they are on the hub")
    with contextlib.suppress(Forbidden):  # who may only ask can't see it
        return await _found(hub, wish.cluster)
    return None


async def _found(hub: Client, cluster: str) -> Object | None:
    """The ManagedCluster, if there is one. Raises JoinError, ApiError."""
    found = await hub.find(MANAGED_CLUSTER, cluster)
    return None if found is None else _staying(found)


def _staying(cluster: Object) -> Object:
    if cluster.metadata.deletion_timestamp is not None:
        raise JoinError(leaving(cluster))
    return cluster


async def _accept(hub: Client, cluster: Object) -> None:
    found: Object | None = cluster
    while True:
        if found is None:
            raise JoinError(f"{cluster.metadata.name} was taken off the hub while it joined: join again")
        try:
            return await accept(hub, found)
        except Conflict:  # the hub's controllers make the same objects at this very moment
            found = await _found(hub, cluster.metadata.name)


async def _wait_accepted(kubeconfig: Json, cluster: str) -> None:
    """Until the new credentials may be used: as long as the hub has not accepted the cluster, they may do nothing."""
    failures = 0
    hub = await Client.connect(kubeconfig)
    try:
        while True:
            try:
                found = await hub.get(MANAGED_CLUSTER, cluster)
                if found.decode(ManagedCluster).spec.hub_accepts_client:
                    return
            except (Forbidden, Unauthorized, Unavailable) as error:
                log.debug("not_accepted_yet", error=error.message)
            if failures == 0:
                log.info("waiting_for_acceptance", cluster=cluster, hint=_accept_by_hand(cluster))
            await asyncio.sleep(_LOOK.delay(failures))
            failures += 1
    finally:
        await hub.close()


def _accept_by_hand(cluster: str) -> str:
    return f"on the hub: python -m registration accept {cluster}"


# -- credentials -----------------------------------------------------------------------------------------
async def _by_certificate(hub: Client, wish: Wish, keep: Keep, moment: datetime) -> Json:
    """A certificate that is good still is kept: to repeat a join asks nobody again."""
    kept: Json | None = None
    with contextlib.suppress(KubeconfigError):
        kept = await keep.load()
        usable = kept is not None and not fault(kept, wish.cluster, moment, hub=str(wish.hub["server"]))
        if kept is not None and usable and certificate_of(kept) is not None:
            return kept
    key = _former_key(kept, wish) or await _pending_key(keep)
    names = joining_names(wish.cluster, key_fingerprint(key))
    certificate = await certificate_for(hub, wish.cluster, key, names, keep, approves=wish.accept)
    return by_certificate(wish.hub, wish.cluster, certificate, key)


def _former_key(kept: Json | None, wish: Wish) -> bytes | None:
    """The key of a certificate that has ended: by it the hub knows the agent again."""
    with contextlib.suppress(KubeconfigError):
        if kept is None or cluster_of(kept)["server"] != wish.hub["server"]:
            return None
        certificate = certificate_of(kept)
        if certificate is not None and certificate.is_ours(wish.cluster):
            return key_of(kept)
    return None


async def renewed(hub: Client, cluster: str, keep: Keep) -> tuple[bytes, bytes]:
    """Another (certificate, its key), PEM, asked for with the one before it. Raises JoinError, ApiError."""
    uid = (await hub.get(MANAGED_CLUSTER, cluster)).metadata.uid
    key = await _pending_key(keep)
    return await certificate_for(hub, cluster, key, renewal_names(cluster, uid), keep), key


async def _pending_key(keep: Keep) -> bytes:
    """One with which a certificate was asked for before, else a new one."""
    key = await keep.pending()
    if key is None:
        key = new_key()
        await keep.hold(key)
    return key


async def certificate_for(
    hub: Client, cluster: str, key: bytes, names: Sequence[str], keep: Keep, *, approves: bool = False
) -> bytes:
    """The certificate for `key`, PEM, once the hub has issued it. `names`: as of `signing.ask`. `approves`: approve it
    with these credentials. Raises JoinError, ApiError."""
    try:
        request = await ask(hub, cluster, key, names)
        if approves:
            await _approve(hub, request)
        else:
            log.info(
                "certificate_requested",
                request=request.metadata.name,
                key=key_fingerprint(key),
                hint=_accept_by_hand(cluster),
            )
        certificate = await answer(hub, request)
    except SigningError as error:
        await keep.hold(new_key())  # the next attempt is another request
        raise JoinError(str(error)) from error
    if not belongs(certificate, key):
        raise JoinError(
            f"the certificate in {request.metadata.name} is not for the key that it was asked with"
        )
    return certificate


async def _approve(hub: Client, request: Object) -> None:
    text = "Approved by whoever let the cluster join with --accept"
    try:
        await approve(hub, request, "ApprovedByJoin", text)
    except Conflict:
        fresh = await hub.get(CERTIFICATE_SIGNING_REQUEST, request.metadata.name)
        await approve(hub, fresh, "ApprovedByJoin", text)


async def _by_token(hub: Client, wish: Wish) -> Json:
    cluster = wish.cluster
    metadata = {"name": AGENT, "namespace": cluster}
    account = {"apiVersion": "v1", "kind": SERVICE_ACCOUNT.kind, "metadata": metadata}
    annotations = {"kubernetes.io/service-account.name": AGENT}
    token = {
        "apiVersion": "v1",
        "kind": SECRET.kind,
        "metadata": metadata | {"annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }
    for kind, body in ((SERVICE_ACCOUNT, account), (SECRET, token)):
        patch = apply_patch(body, field_manager=_FIELD_MANAGER, force=True)
        await hub.patch(kind, AGENT, patch, namespace=cluster)
    return by_token(wish.hub, cluster, await _token(hub, cluster))


async def _token(hub: Client, cluster: str) -> str:
    """Once the hub's controller manager has filled the Secret."""
    scope = Scope(SECRET, namespace=cluster, field_selector=f"metadata.name={AGENT}")
    try:
        async with asyncio.timeout(_TOKEN_DEADLINE):
            async for event in watch(hub, scope):
                objects = event.objects if isinstance(event, Listed) else [event.object]
                for secret in objects if isinstance(event, Listed | Applied) else ():
                    data = secret.to_dict().get("data") or {}
                    if data.get("token"):
                        return base64.b64decode(data["token"]).decode()
    except TimeoutError:
        pass
    raise JoinError(
        f"no token appeared in Secret {cluster}/{AGENT} within {_TOKEN_DEADLINE:.0f} s: is the hub's "
        "kube-controller-manager running?"
    )

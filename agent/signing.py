"""Has the hub issue the agent's certificate: a CertificateSigningRequest, and the wait for what becomes of it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from agent.certificates import asks_for, read, signing_request
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST as REQUEST
from controllers.api.membership import CERTIFICATE_SECONDS, SIGNER
from controllers.api.signing import SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists
from controllers.kube.object import Object
from controllers.runtime.clock import now
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, Deleted, watch

Json = dict[str, Any]

_USAGES = ["digital signature", "key encipherment", "client auth"]


class SigningError(Exception):
    """There will be no certificate; the text says why and what to do. A new request needs a new key."""


async def ask(hub: Client, cluster: str, key: bytes, names: Sequence[str]) -> Object:
    """The request of this key, under one of `names`; made, unless it was made before.

    Raises SigningError, ApiError, CertificateError.
    """
    for name in names:
        try:
            return await hub.create(REQUEST, _body(name, cluster, key))
        except AlreadyExists:
            found = await hub.find(REQUEST, name)
            if found is not None and _is_open(found.decode(SigningRequest), key):
                return found
    raise SigningError(
        f"the hub has {len(names)} certificate requests of {cluster} already: delete those that "
        f"nobody waits for (kubectl delete csr -l {CLUSTER_NAME_LABEL}={cluster}), or wait for an hour"
    )


def _is_open(asked: SigningRequest, key: bytes) -> bool:
    """Whether a certificate for this key that can be used may come, or has come, of it."""
    if not asks_for(asked.spec.request, key):
        return False
    issued = asked.status.certificate
    return not issued or read(issued).ends > now()


async def answer(hub: Client, request: Object) -> bytes:
    """The certificate, PEM, once it is issued; waits for ever. Raises SigningError."""
    name = request.metadata.name
    async for event in watch(hub, Scope(REQUEST, field_selector=f"metadata.name={name}")):
        if isinstance(event, Deleted) or (isinstance(event, Listed) and not event.objects):
            raise SigningError(f"CertificateSigningRequest {name} was removed before it was answered")
        for item in [event.object] if isinstance(event, Applied) else event.objects:
            asked = item.decode(SigningRequest)
            for kind in ("Denied", "Failed"):
                if (said := asked.said(kind)) is not None:
                    why = said.message or said.reason or "no reason was given"
                    raise SigningError(f"CertificateSigningRequest {name}: {kind} ({why})")
            if asked.status.certificate:
                return asked.status.certificate
    raise AssertionError("a watch does not end")


def _body(name: str, cluster: str, key: bytes) -> Json:
    return {
        "apiVersion": REQUEST.api_version,
        "kind": REQUEST.kind,
        "metadata": {"name": name, "labels": {CLUSTER_NAME_LABEL: cluster}},
        "spec": {
            "request": base64.b64encode(signing_request(key, cluster)).decode(),
            "signerName": SIGNER,
            "expirationSeconds": CERTIFICATE_SECONDS,
            "usages": _USAGES,
        },
    }

"""Answers the certificate requests of agents, where no person has to."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from controllers.acceptance import accept, approve
from controllers.api.cluster import ManagedCluster
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.api.membership import REGISTER_GROUP
from controllers.api.signing import SigningRequest
from controllers.kube.access import allows
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Reader
from controllers.runtime.events import Recorder
from controllers.runtime.reconcile import Request, Result
from registration.judge import Judgement, Verdict, cluster_of, judge

log = structlog.get_logger(__name__)


class RequestReconciler:
    """Request: a CertificateSigningRequest. `trusted` as in `judge`."""

    def __init__(
        self,
        client: Client,
        *,
        requests: Reader,
        recorder: Recorder,
        trusted: Collection[str],
    ) -> None:
        self._client = client
        self._requests = requests
        self._recorder = recorder
        self._trusted = frozenset(trusted)

    async def reconcile(self, request: Request, /) -> Result:
        found = self._requests.get(*request)
        if found is None:
            return Result.done()
        asked = found.decode(SigningRequest)
        if asked.status.conditions or asked.status.certificate:
            return Result.done()
        # Asked of the hub itself: a cluster asks for its certificate the moment after it has made its ManagedCluster.
        cluster = await self._cluster(cluster_of(asked))
        member = cluster.decode(ManagedCluster) if cluster is not None else None
        await self._act(found, asked, cluster, judge(asked, member, self._trusted))
        return Result.done()

    async def _act(
        self, found: Object, asked: SigningRequest, cluster: Object | None, judgement: Judgement
    ) -> None:
        name, who = found.metadata.name, asked.spec.username
        if judgement.verdict is Verdict.RENEW and await self._may_renew(asked, judgement.cluster):
            await approve(self._client, found, "RenewedByArgosy", "The agent itself asks, and may")
            log.info("certificate_renewal_approved", cluster=judgement.cluster, request=name)
        elif judgement.verdict is Verdict.ACCEPT:
            await accept(self._client, judgement.cluster)
            await approve(self._client, found, "AcceptedByArgosy", f"{who} is trusted to bring clusters in")
            log.info("cluster_accepted", cluster=judgement.cluster, request=name, asked_by=who)
            if cluster is not None:
                self._recorder.normal(cluster, "Accepted", f"{who} is trusted to bring clusters in")
        elif judgement.verdict is Verdict.ASK:
            log.warning("cluster_asks", cluster=judgement.cluster, request=name, why=judgement.why)
            if cluster is not None:
                self._recorder.normal(
                    cluster,
                    "AsksToJoin",
                    f"{judgement.why}: to let it in, python -m registration accept {judgement.cluster}",
                )
        elif judgement.why:
            log.warning("certificate_request_ignored", request=name, asked_by=who, why=judgement.why)

    async def _cluster(self, name: str) -> Object | None:
        return await self._client.find(MANAGED_CLUSTER, name) if name else None

    async def _may_renew(self, asked: SigningRequest, cluster: str) -> bool:
        """An agent may as long as its cluster is accepted."""
        spec = {
            "user": asked.spec.username,
            "uid": asked.spec.uid,
            "groups": asked.spec.groups,
            "extra": asked.spec.extra,
            "resourceAttributes": {
                "group": REGISTER_GROUP,
                "resource": "managedclusters",
                "subresource": "clientcertificates",
                "verb": "renew",
                "name": cluster,
            },
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return await allows(self._client, body)

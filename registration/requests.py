"""Answers the certificate requests of agents, where no person has to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog

from controllers.acceptance import NotAccepted, accept, approve, known_key, remember_key
from controllers.api.cluster import ManagedCluster
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.api.membership import LONGEST_CERTIFICATE_SECONDS, REGISTER_GROUP
from controllers.api.signing import SigningRequest
from controllers.kube.access import allows
from controllers.kube.client import Client
from controllers.kube.object import Object, readable
from controllers.runtime.cache import Reader
from controllers.runtime.clock import now
from controllers.runtime.events import Recorder
from controllers.runtime.reconcile import Request, Result, Terminal
from registration.judge import Around, Judgement, Verdict, cluster_of, judge, key_of
from registration.lives import lives

log = structlog.get_logger(__name__)


def rivals(asked: SigningRequest, others: Iterable[SigningRequest]) -> int:
    """How many of `others` wait for an answer about the same cluster, with another key, and are an agent's."""
    cluster, key = cluster_of(asked), key_of(asked)
    return sum(
        cluster_of(item) == cluster
        and not item.status.conditions
        and not item.status.certificate
        and key_of(item) != key
        and judge(item, None, ()).verdict is not Verdict.NOT_OURS
        for item in others
    )


class RequestReconciler:
    """Request: a CertificateSigningRequest. `trusted` as in `judge`, `longest` as in `Around`."""

    def __init__(
        self,
        client: Client,
        *,
        requests: Reader,
        recorder: Recorder,
        trusted: Collection[str],
        longest: int = LONGEST_CERTIFICATE_SECONDS,
    ) -> None:
        self._client = client
        self._requests = requests
        self._recorder = recorder
        self._trusted = frozenset(trusted)
        self._longest = longest

    async def reconcile(self, request: Request, /) -> Result:
        found = self._requests.get(*request)
        if found is None:
            return Result.done()
        asked = found.decode(SigningRequest)
        if asked.status.certificate:
            await self._learn(asked)
        if asked.status.conditions or asked.status.certificate:
            return Result.done()
        # Asked of the hub itself: a cluster asks for its certificate the moment after it has made its ManagedCluster.
        cluster = await self._cluster(cluster_of(asked))
        member = cluster.decode(ManagedCluster) if cluster is not None else None
        around = await self._around(asked, member)
        try:
            await self._act(found, asked, cluster, judge(asked, member, self._trusted, around))
        except NotAccepted as error:
            raise Terminal("NotAccepted", str(error), regarding=cluster) from error
        return Result.done()

    async def _learn(self, asked: SigningRequest) -> None:
        """The key of an agent that a person has let in with kubectl, if the hub knows none of it yet."""
        cluster = cluster_of(asked)
        if judge(asked, None, ()).verdict is Verdict.NOT_OURS or await known_key(self._client, cluster):
            return
        await remember_key(self._client, asked)

    async def _around(self, asked: SigningRequest, cluster: ManagedCluster | None) -> Around:
        if cluster is None:
            return Around(longest=self._longest)
        return Around(
            key=await known_key(self._client, cluster.metadata.name),
            lives=await lives(self._client, cluster, now()),
            rivals=rivals(asked, readable(self._requests.all(), SigningRequest)),
            longest=self._longest,
        )

    async def _act(
        self, found: Object, asked: SigningRequest, cluster: Object | None, judgement: Judgement
    ) -> None:
        name, who = found.metadata.name, asked.spec.username
        if judgement.verdict is Verdict.RENEW and await self._may_renew(asked, judgement.cluster):
            await approve(self._client, found, "RenewedByArgosy", "The agent itself asks, and may")
            log.info("certificate_renewal_approved", cluster=judgement.cluster, request=name)
        elif judgement.verdict is Verdict.ACCEPT:
            if cluster is None:
                return
            await accept(self._client, cluster)
            await approve(self._client, found, "AcceptedByArgosy", f"{who} is trusted to bring clusters in")
            log.info("cluster_accepted", cluster=judgement.cluster, request=name, asked_by=who)
            self._recorder.normal(cluster, "Accepted", f"{who} is trusted to bring clusters in")
        elif judgement.verdict is Verdict.ASK:
            log.warning(
                "cluster_asks",
                cluster=judgement.cluster,
                request=name,
                asked_by=who,
                key=key_of(asked),
                why=judgement.why,
            )
            if cluster is not None:
                self._recorder.normal(
                    cluster,
                    "AsksToJoin",
                    f"{judgement.why}: to see it and let it in, python -m registration accept {judgement.cluster}",
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

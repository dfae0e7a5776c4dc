"""Keeps the ClusterClaims about the cluster's Argo Workflows, by which Placements can select clusters.

The agent's registration copies them to the hub, as it does with all ClusterClaims. A claim of the same name that
somebody else has made stays as it is: those of the agent bear its label.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from agent.decide.argo import COMPONENT_LABEL, CONTROLLER, claims, lowest_version
from agent.work.discovery import Discovery
from controllers.api.cluster import ClusterClaim
from controllers.api.deployment import Deployment
from controllers.api.keys import AGENT_MANAGER, ARGO_CLAIM, ARGO_VERSION_CLAIM, MANAGED_BY_LABEL
from controllers.api.kinds import CLUSTER_CLAIM, CRD, DEPLOYMENT, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden, NotFound
from controllers.kube.object import Object, readable
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import Backoff
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from controllers.runtime.scope import Scope

log = structlog.get_logger(__name__)

NAMES: Final = (ARGO_CLAIM, ARGO_VERSION_CLAIM)

# One of each: what serves Workflows, and the two ways in which Argo's controller is deployed.
DEFINITION: Final = Scope(CRD, field_selector=f"metadata.name={WORKFLOW}", metadata_only=True)
DEPLOYMENTS: Final = (
    Scope(DEPLOYMENT, field_selector=f"metadata.name={CONTROLLER}"),
    Scope(DEPLOYMENT, label_selector=f"{COMPONENT_LABEL}={CONTROLLER}"),
)

# A CRD that has just come or gone is served, or not, a moment later.
_UNSETTLED = Backoff(base=0.5, cap=60.0)
# Seconds after which it is looked again whether there are Workflows, where CRDs may not be watched, and whether claims
# can be kept, where they could not.
_REFUSED = 60.0

_NOT_CLAIMED: Final = "argo_not_claimed"
_NO_VERSION: Final = "argo_version_not_claimed"


class ArgoReconciler:
    """Request: any; there is one Argo for a cluster. The informers are optional ones of DEFINITION, DEPLOYMENTS and all
    ClusterClaims; `claims` is a view of the last."""

    def __init__(
        self,
        managed: Client,
        discovery: Discovery,
        *,
        definition: Informer,
        deployments: Sequence[Informer],
        claimed: Informer,
        claims: OwnWrites,
    ) -> None:
        self._managed = managed
        self._discovery = discovery
        self._definition = definition
        self._deployments = deployments
        self._claimed = claimed
        self._claims = claims
        self._unsettled = 0
        self._said: set[str] = set()

    async def reconcile(self, request: Request, /) -> Result:
        if self._claimed.is_denied:  # nobody knows which there are, and whose
            return self._cannot_claim("the agent does not see the cluster's ClusterClaims")
        served = await self._is_served()
        wanted = claims(served=served, version=self._version())
        try:
            for name in NAMES:
                await self._keep(name, wanted.get(name))
        except (Forbidden, NotFound) as error:
            return self._cannot_claim(error.message)
        self._said.discard(_NOT_CLAIMED)
        return self._next(served=served)

    def _cannot_claim(self, why: str) -> Result:
        self._say_once(
            _NOT_CLAIMED,
            error=why,
            hint="install the CRD ClusterClaim (make install ROLE=managed), and let the agent get, list, watch, "
            "create, patch and delete clusterclaims",
        )
        return Result.recheck(after=_REFUSED)

    def _next(self, *, served: bool) -> Result:
        if self._definition.is_denied:
            return Result.recheck(after=_REFUSED)
        if served == bool(len(self._definition.store)):
            self._unsettled = 0
            return Result.done()
        self._unsettled += 1
        return Result.recheck(after=_UNSETTLED.delay(self._unsettled - 1))

    async def _is_served(self) -> bool:
        await self._discovery.load(WORKFLOW.group, WORKFLOW.version)
        return self._discovery.serves(WORKFLOW.group, WORKFLOW.version, WORKFLOW.kind)

    def _version(self) -> str | None:
        """Says once when it can't be known."""
        if any(informer.is_denied for informer in self._deployments):
            self._say_once(
                _NO_VERSION,
                hint="let the agent list and watch deployments in all namespaces of the cluster",
            )
            return None
        self._said.discard(_NO_VERSION)
        found = (item for informer in self._deployments for item in informer.store.all())
        return lowest_version(readable(found, Deployment))

    async def _keep(self, name: str, value: str | None) -> None:
        """The claim as it should be; None: there should be none. Raises ApiError."""
        found = self._claims.get("", name)
        if found is None:
            if value is not None:
                self._claims.record(await self._managed.create(CLUSTER_CLAIM, _body(name, value)))
                log.info("argo_claimed", claim=name, value=value)
        elif found.metadata.labels.get(MANAGED_BY_LABEL) != AGENT_MANAGER:
            self._say_once(
                "claim_of_somebody_else",
                claim=name,
                hint=f"it stays; with the label {MANAGED_BY_LABEL}={AGENT_MANAGER} the agent would keep it",
            )
        elif value is None:
            with contextlib.suppress(NotFound):
                await self._managed.delete(CLUSTER_CLAIM, name, uid=found.metadata.uid)
            self._claims.removed(found)
            log.info("argo_not_claimed_any_more", claim=name)
        elif found.decode(ClusterClaim).spec.value != value:
            patch = merge_patch({"spec": {"value": value}}, resource_version=found.metadata.resource_version)
            with contextlib.suppress(NotFound):  # that it has gone is heard of in a moment
                self._claims.record(await self._managed.patch(CLUSTER_CLAIM, name, patch))
                log.info("argo_claimed", claim=name, value=value)

    def _say_once(self, event: str, **words: str) -> None:
        key = event + words.get("claim", "")
        if key not in self._said:
            log.warning(event, **words)
        self._said.add(key)


def _body(name: str, value: str) -> dict[str, object]:
    return {
        "apiVersion": CLUSTER_CLAIM.api_version,
        "kind": CLUSTER_CLAIM.kind,
        "metadata": {"name": name, "labels": {MANAGED_BY_LABEL: AGENT_MANAGER}},
        "spec": {"value": value},
    }


def is_about_argo(change: Change) -> bool:
    """Whether the ClusterClaim is one of those that are kept here."""
    return change.object.metadata.name in NAMES


def runs_otherwise(change: Change) -> bool:
    """Whether a Deployment may run another version than before; its status says nothing about that."""
    old, new = change
    return old is None or new is None or _wish(old) != _wish(new)


def _wish(deployment: Object) -> tuple[int, dict[str, str]]:
    return deployment.metadata.generation, deployment.metadata.labels

"""Installing and removing CustomResourceDefinitions where others have theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from controllers.api.kinds import (
    ADMISSION_POLICY,
    ADMISSION_POLICY_BINDING,
    CRD,
    MANAGED_CLUSTER,
    PLACEMENT,
)
from hack.fleet import admission, crds
from hack.fleet.api import Api
from hack.fleet.errors import FleetError
from hack.fleet.layout import CRDS
from hack.fleet.local import LocalProvider

pytestmark = pytest.mark.integration

OURS = crds.load_ours(CRDS)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with LocalProvider().start(tmp_path_factory.mktemp("hub"), [], argo=False) as fleet:
        yield Api(fleet.hub.kubeconfig)


def definition(kind: str) -> dict[str, Any]:
    return next(body for body in OURS if body["spec"]["names"]["kind"] == kind)


def test_what_somebody_else_installed_is_neither_taken_over_nor_removed(hub: Api) -> None:
    theirs = definition("ManagedClusterSet")
    assert crds.uninstall(hub, [theirs]) == [theirs["metadata"]["name"]]
    hub.create(theirs)
    assert crds.foreign(hub, OURS) == [theirs["metadata"]["name"]]
    assert crds.uninstall(hub, [theirs]) == []
    assert hub.get(CRD, theirs["metadata"]["name"]) is not None


def test_uninstall_removes_the_kind_and_its_objects_and_install_brings_it_back(hub: Api) -> None:
    placement = {
        "apiVersion": PLACEMENT.api_version,
        "kind": PLACEMENT.kind,
        "metadata": {"name": "p", "namespace": "argo"},
        "spec": {},
    }
    hub.apply(placement)
    ours = [definition("Placement")]
    assert crds.uninstall(hub, ours) == ["placements.cluster.open-cluster-management.io"]
    assert crds.uninstall(hub, ours) == []
    crds.install(hub, ours)
    assert hub.list(PLACEMENT, "argo")["items"] == []


def test_a_finalizer_that_holds_up_the_removal_is_named(hub: Api) -> None:
    cluster: dict[str, Any] = {
        "apiVersion": MANAGED_CLUSTER.api_version,
        "kind": MANAGED_CLUSTER.kind,
        "metadata": {"name": "c", "finalizers": ["example.org/held"]},
        "spec": {},
    }
    hub.create(cluster)
    with pytest.raises(FleetError, match="finalizers: managedclusters"):
        crds.uninstall(hub, [definition("ManagedCluster")], seconds=1)
    hub.apply(cluster | {"metadata": {"name": "c", "finalizers": []}})


def test_a_definition_that_breaks_the_rules_is_explained(hub: Api) -> None:
    taken = {
        "apiVersion": CRD.api_version,
        "kind": CRD.kind,
        "metadata": {"name": "rivals.cluster.open-cluster-management.io"},
        "spec": {
            "group": "cluster.open-cluster-management.io",
            "scope": "Cluster",
            "names": {"plural": "rivals", "kind": "PlacementDecision"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    with pytest.raises(FleetError, match=r"rivals.*already in use"):
        crds.install(hub, [taken], seconds=1)
    hub.delete(CRD, "rivals.cluster.open-cluster-management.io")


def test_admission_policies_come_and_go_with_the_kinds(hub: Api) -> None:
    """Each with its binding; what is not there does not matter."""
    policies = admission.load()
    names = {body["metadata"]["name"] for body in policies}
    assert len(policies) == 2 * len(names)
    for kind in (ADMISSION_POLICY, ADMISSION_POLICY_BINDING):
        admission.install(hub, policies)
        assert names <= {body["metadata"]["name"] for body in hub.list(kind)["items"]}
        assert admission.uninstall(hub, policies) == len(policies)
        assert admission.uninstall(hub, policies) == 0
        assert not names & {body["metadata"]["name"] for body in hub.list(kind)["items"]}

"""The definitions that are generated, and the files that they are kept in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect
import pytest
import yaml

from controllers.api import manifests
from controllers.api.crd import Resource
from controllers.api.crd_resources import RESOURCES

CRDS = Path(__file__).parents[3] / "crds"
BY_KIND = {resource.kind.kind: resource for resource in RESOURCES}


def version(kind: str) -> dict[str, Any]:
    (only,) = BY_KIND[kind].definition()["spec"]["versions"]
    found: dict[str, Any] = only
    return found


def test_the_files_of_the_repository_are_up_to_date() -> None:
    assert manifests.drift(manifests.rendered(), CRDS) == []


def test_every_kind_is_there_once() -> None:
    assert sorted(BY_KIND) == sorted(
        [
            "AddOnPlacementScore",
            "AppliedManifestWork",
            "ClusterClaim",
            "ManagedCluster",
            "ManagedClusterSet",
            "ManagedClusterSetBinding",
            "ManifestWork",
            "Placement",
            "PlacementDecision",
            "Workflow",
            "WorkflowStatusResult",
        ]
    )
    assert len(BY_KIND) == len(RESOURCES)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind.kind)
def test_definition(resource: Resource) -> None:
    definition = yaml.safe_load(manifests.render(resource))
    names = definition["spec"]["names"]
    assert definition["apiVersion"] == "apiextensions.k8s.io/v1"
    assert definition["metadata"]["name"] == f"{resource.kind.plural}.{resource.kind.group}"
    assert names["kind"] == resource.kind.kind
    assert definition["spec"]["scope"] == ("Namespaced" if resource.kind.namespaced else "Cluster")
    assert definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"]


def test_the_hub_workflow_keeps_what_it_does_not_know() -> None:
    workflow = version("Workflow")
    properties = workflow["schema"]["openAPIV3Schema"]["properties"]
    for name in ("spec", "status"):
        assert properties[name]["x-kubernetes-preserve-unknown-fields"] is True
    assert "properties" not in properties["status"]
    # Enough of a shape to keep from Argo what it cannot read; the inside of each stays open.
    shape = properties["spec"]["properties"]
    assert set(shape) == {"arguments", "entrypoint", "serviceAccountName", "templates"}
    assert shape["templates"]["items"]["x-kubernetes-preserve-unknown-fields"] is True
    assert shape["arguments"]["x-kubernetes-preserve-unknown-fields"] is True
    assert "subresources" not in workflow
    columns = workflow["additionalPrinterColumns"]
    assert [column["name"] for column in columns if not column.get("priority")] == [
        "Status",
        "Age",
        "Cluster",
        "Message",
    ]
    assert columns[2]["jsonPath"] == r".metadata.annotations.workflows\.argoproj\.io/ocm-managed-cluster"


@pytest.mark.parametrize("kind", ["ManagedCluster", "Placement", "PlacementDecision", "ManifestWork"])
def test_status_is_a_subresource_of_what_ocm_has_it_on(kind: str) -> None:
    assert version(kind)["subresources"] == {"status": {}}


def structs(node: object) -> Iterator[msgspec.inspect.StructType]:
    """Every struct type that is reachable from a node of msgspec's type tree."""
    if isinstance(node, msgspec.inspect.StructType):
        yield node
    if isinstance(node, msgspec.inspect.Type | msgspec.inspect.Field):
        for name in node.__struct_fields__:
            yield from structs(getattr(node, name))
    elif isinstance(node, tuple):
        for item in node:
            yield from structs(item)


def default_of(found: msgspec.inspect.Field) -> Any:
    factory = found.default_factory
    value = found.default if factory is msgspec.NODEFAULT else factory()
    return msgspec.to_builtins(value)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind.kind)
def test_a_default_of_the_schema_is_the_default_of_the_model(resource: Resource) -> None:
    """The model does not write a default; then the server must not fill in another value."""
    for struct in structs(msgspec.inspect.type_info(resource.model)):
        for found in struct.fields:
            keywords = getattr(found.type, "extra_json_schema", None) or {}
            where = f"{struct.cls.__name__}.{found.name}"
            if found.required:
                continue
            default = default_of(found)
            if "default" in keywords and not isinstance(default, dict):
                assert keywords["default"] == default, where
            elif not isinstance(default, dict):
                assert not default, f"{where} has a default that the server does not know"

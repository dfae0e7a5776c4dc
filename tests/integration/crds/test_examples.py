"""Every file of examples/ is accepted by a hub, each field of it known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from controllers.api import kinds
from controllers.api.kinds import Kind
from controllers.kube.client import Client
from controllers.kube.errors import Invalid

EXAMPLES = Path(__file__).parents[3] / "examples"
KINDS = {item.kind: item for item in vars(kinds).values() if isinstance(item, Kind)}


def bodies() -> list[Any]:
    """Each object of each file, named after the file."""
    return [
        pytest.param(body, id=path.name)
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for body in yaml.safe_load_all(path.read_text())
    ]


@pytest.mark.parametrize("body", bodies())
async def test_an_example_is_accepted(client: Client, body: dict[str, Any]) -> None:
    kind = KINDS[body["kind"]]
    assert body["apiVersion"] == kind.api_version
    query = (("dryRun", "All"), ("fieldValidation", "Strict"))
    collection = kind.path(body["metadata"].get("namespace", ""))
    answer = await client.request("POST", collection, body=msgspec.json.encode(body), query=query)
    assert msgspec.json.decode(answer)["spec"] == body["spec"], "the schema dropped or changed something"


async def test_fields_of_templates_that_argo_does_not_know_are_kept(client: Client) -> None:
    spec = {
        "entrypoint": "a",
        "templates": [{"name": "a", "cluster": "c", "namespace": "n", "new": {"x": [1]}}],
    }
    body = {
        "apiVersion": kinds.WORKFLOW.api_version,
        "kind": "Workflow",
        "metadata": {"name": "travels"},
        "spec": spec,
    }
    answer = await client.request(
        "POST", kinds.WORKFLOW.path("default"), body=msgspec.json.encode(body), query=(("dryRun", "All"),)
    )
    assert msgspec.json.decode(answer)["spec"] == spec


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"entrypoint": "a", "templates": "text"}, "spec.templates"),
        ({"entrypoint": "a", "templates": ["text"]}, "spec.templates"),
        ({"entrypoint": 1, "templates": []}, "spec.entrypoint"),
        ({"entrypoint": "a", "arguments": []}, "spec.arguments"),
    ],
)
async def test_a_workflow_that_would_bring_argo_down_is_refused(
    client: Client, spec: dict[str, Any], field: str
) -> None:
    body = {
        "apiVersion": kinds.WORKFLOW.api_version,
        "kind": "Workflow",
        "metadata": {"name": "malformed"},
        "spec": spec,
    }
    with pytest.raises(Invalid, match=field):
        await client.create(kinds.WORKFLOW, body, namespace="default")

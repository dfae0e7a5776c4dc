"""What `kubectl get workflows` shows on a hub."""

from __future__ import annotations

from typing import Any

import msgspec

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from hack.fleet.provider import Cluster
from tests.integration.bodies import workflow

# What kubectl asks for.
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def rows(hub: Cluster, namespace: str, *, wide: bool = False) -> list[dict[str, Any]]:
    """Cells by column; `wide` as `-o wide`."""
    client = await Client.connect(hub.kubeconfig)
    found = msgspec.json.decode(await client.request("GET", WORKFLOW.path(namespace), accept=_TABLE))
    await client.close()
    columns = found["columnDefinitions"]
    return [
        {
            column["name"]: cell
            for column, cell in zip(columns, row["cells"], strict=True)
            if wide or column["priority"] == 0
        }
        for row in found["rows"]
    ]


async def test_a_workflow_has_status_age_cluster_and_message(
    hub: Cluster, client: Client, namespace: str
) -> None:
    await client.create(WORKFLOW, workflow("a", cluster="cluster1"), namespace=namespace)
    patch = merge_patch({"status": {"phase": "Failed", "message": "step 2 failed", "progress": "1/2"}})
    await client.patch(WORKFLOW, "a", patch, namespace=namespace)
    (row,) = await rows(hub, namespace)
    assert list(row) == ["Name", "Status", "Age", "Cluster", "Message"]
    age = row.pop("Age")
    assert row == {"Name": "a", "Status": "Failed", "Cluster": "cluster1", "Message": "step 2 failed"}
    assert age.endswith("s")


async def test_the_wide_form_says_what_a_workflow_waits_for(
    hub: Cluster, client: Client, namespace: str
) -> None:
    body = workflow("a")
    body["metadata"]["annotations"][keys.WAITING_ANNOTATION] = "NoDecision: none yet"
    await client.create(WORKFLOW, body, namespace=namespace)
    (row,) = await rows(hub, namespace, wide=True)
    assert row["Waiting"] == "NoDecision: none yet"
    assert row["Status"] in (None, "")

"""`python -m placement explain` on a real hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER, PLACEMENT, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.__main__ import main
from placement.evaluator.wiring import add_to as add_evaluator
from placement.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import placement, workflow
from tests.integration.running import running

Explain = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def explain(kubeconfig: Path, namespace: str, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Runs the command; gives its exit status, output and errors."""

    async def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        command = ["explain", "--kubeconfig", str(kubeconfig), "-n", namespace, *arguments]
        status = await asyncio.to_thread(main, command)
        out, err = capsys.readouterr()
        return status, out, err

    return run


async def test_live_objects(
    client: Client, namespace: str, clusters: list[str], bound_set: str, explain: Explain
) -> None:
    first, second, third = clusters
    taints = [{"key": "upgrade", "effect": "NoSelect"}]
    await client.patch(MANAGED_CLUSTER, third, merge_patch({"spec": {"taints": taints}}))
    async with running(client, add_evaluator, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)

        async def placed() -> bool:
            found = await client.get(WORKFLOW, "a", namespace=namespace)
            return found.metadata.annotations.get(keys.CLUSTER_ANNOTATION) == first

        await eventually(placed)
    status, out, _ = await explain("placement/p", "workflow/a")
    assert status == 0
    assert f"Placement {namespace}/p selects 2 clusters of 3 in its sets" in out
    rows = {words[0]: words for line in out.splitlines() if (words := line.split())}
    assert rows[first][1:6] == ["yes", "200", "100", "100", "1"]
    assert rows[second][1:6] == ["yes", "200", "100", "100", "0"]
    assert " ".join(rows[third]).endswith("taint upgrade:NoSelect is not tolerated")
    assert f"Workflow {namespace}/a is on cluster {first}" in out
    assert "because: spread: 0 active there, the fewest of 2 clusters" in out
    assert f"placed now it would go to {second}" in out


async def test_a_file_that_is_not_applied(
    client: Client, namespace: str, clusters: list[str], bound_set: str, explain: Explain, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(
        "apiVersion: cluster.open-cluster-management.io/v1beta1\n"
        "kind: Placement\nmetadata: {name: q}\nspec: {numberOfClusters: 2}\n"
        "---\napiVersion: cluster.open-cluster-management.io/v1\nkind: ManagedCluster\n"
        f"metadata: {{name: {clusters[0]}, labels: {{test: {namespace}}}}}\n"
        "spec: {hubAcceptsClient: true, taints: [{key: upgrade, effect: NoSelect}]}\n"
    )
    status, out, _ = await explain("-f", str(draft))
    assert status == 0
    rows = {words[0]: words[1] for line in out.splitlines() if len(words := line.split()) > 1}
    assert [rows[name] for name in clusters] == ["no", "yes", "yes"]
    assert await client.find(PLACEMENT, "q", namespace=namespace) is None
    live = await client.get(MANAGED_CLUSTER, clusters[0])
    assert "taints" not in live.to_dict()["spec"]


async def test_what_is_not_there(client: Client, namespace: str, explain: Explain, tmp_path: Path) -> None:
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    assert await explain("placement/q") == (
        1,
        "",
        f"error: there is no Placement q in namespace {namespace} (there: p)\n",
    )
    status, _, err = await explain()
    assert (status, "nothing to explain" in err) == (1, True)
    status, _, err = await explain("-f", str(tmp_path / "none.yaml"))
    assert (status, "none.yaml" in err) == (1, True)


async def test_without_a_hub(explain: Explain) -> None:
    status, _, err = await explain("placement/p", "--kubeconfig", "/no/such/file")
    assert status == 2
    assert err.startswith("error: ")


@pytest.mark.parametrize("target", ["p", "pod/p", "placement/"])
def test_wrong_use(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["explain", target])
    assert error.value.code == 2
    assert f"{target!r} is neither placement/NAME nor workflow/NAME" in capsys.readouterr().err

"""The objects of deploy/ made ready for one cluster."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.hub_kubeconfig import by_token
from hack.deploy.kubectl import Kubectl
from hack.deploy.objects import MEMBERSHIP_ANNOTATION, with_image, with_membership, without
from hack.deploy.pods import complaints
from hack.fleet.errors import FleetError

Json = dict[str, Any]

NAMESPACE: Json = {"kind": "Namespace", "metadata": {"name": "n"}}
DEPLOYMENT: Json = {
    "kind": "Deployment",
    "spec": {"template": {"metadata": {}, "spec": {"containers": [{"image": "placeholder"}]}}},
}
SERVICE: Json = {"kind": "Service", "spec": {"template": "none of ours"}}


def membership(server: str, token: str = "t") -> str:
    return yaml.safe_dump(by_token({"server": server}, "c1", token))


def pod(objects: list[Json]) -> Json:
    (found,) = (body["spec"]["template"] for body in objects if body["kind"] == "Deployment")
    return dict(found)


def test_the_image_is_put_into_every_container_of_every_deployment() -> None:
    changed = with_image([NAMESPACE, DEPLOYMENT, SERVICE], "example.org/a:1")
    assert pod(changed)["spec"]["containers"] == [{"image": "example.org/a:1"}]
    assert (changed[0], changed[2]) == (NAMESPACE, SERVICE)
    assert pod([DEPLOYMENT])["spec"]["containers"] == [{"image": "placeholder"}]
    assert with_image([DEPLOYMENT], "") == [DEPLOYMENT]


def test_what_another_base_has_on_top_is_found() -> None:
    def named(kind: str, name: str, **metadata: str) -> Json:
        return {"kind": kind, "metadata": {"name": name, **metadata}}

    kept = [named("ClusterRole", "a"), named("Role", "a", namespace="n")]
    more = [named("Role", "a", namespace="m"), named("ClusterRole", "b"), named("ClusterRoleBinding", "a")]
    assert without([*kept, *more], kept) == more


def test_the_membership_is_a_secret_between_the_namespace_and_the_rest() -> None:
    text = membership("https://hub.example:6443")
    first, secret, last = with_membership([DEPLOYMENT, NAMESPACE], "n", "c1", text)
    assert (first, last["kind"]) == (NAMESPACE, "Deployment")
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert data == {"cluster": "c1", "kubeconfig": text}
    assert secret["metadata"]["namespace"] == "n"


def test_what_the_agent_joins_with_is_a_secret_of_its_own() -> None:
    text = membership("https://hub.example:6443")
    _, own, other, _ = with_membership([DEPLOYMENT, NAMESPACE], "n", "c1", text, bootstrap=True)
    assert own["metadata"]["name"] == "hub-kubeconfig"
    assert own["data"].keys() == {"cluster"}, "what the agent keeps there stays"
    assert other["metadata"]["name"] == "bootstrap-hub-kubeconfig"
    assert base64.b64decode(other["data"]["kubeconfig"]).decode() == text


def test_another_membership_makes_other_pods() -> None:
    def mark(cluster: str, token: str) -> str:
        text = membership("https://hub.example", token)
        return str(
            pod(with_membership([DEPLOYMENT], "n", cluster, text))["metadata"]["annotations"][
                MEMBERSHIP_ANNOTATION
            ]
        )

    assert mark("c1", "a") == mark("c1", "a")
    assert len({mark("c1", "a"), mark("c1", "b"), mark("c2", "a")}) == 3


@pytest.mark.parametrize(
    "server",
    [
        "https://127.0.0.1:6443",
        "https://127.0.0.2",
        "https://[::1]:6443",
        "https://localhost:1",
        "https://0.0.0.0",
    ],
)
def test_a_hub_that_no_pod_reaches_is_refused(server: str) -> None:
    with pytest.raises(FleetError, match="in a pod is the pod itself"):
        with_membership([DEPLOYMENT], "n", "c1", membership(server))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "clusters: []", "current-context: c", "contexts: [{name: c}]"]
)
def test_what_is_no_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(FleetError, match="no context that names a server"):
        with_membership([DEPLOYMENT], "n", "c1", text)


def a_pod(*conditions: tuple[str, str], **container: Json) -> Json:
    found = [{"type": kind, "status": status, "reason": "R", "message": "m"} for kind, status in conditions]
    return {"metadata": {"name": "p"}, "status": {"conditions": found, "containerStatuses": [container]}}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (a_pod(("Ready", "True"), state={"running": {}}), []),
        (a_pod(("PodScheduled", "False")), ["p: R, m"]),
        (
            a_pod(state={"waiting": {"reason": "ErrImagePull", "message": "no such"}}),
            ["p: ErrImagePull, no such"],
        ),
        (
            a_pod(state={"waiting": {"reason": "CreateContainerConfigError"}}),
            ["p: CreateContainerConfigError"],
        ),
        (
            a_pod(state={"waiting": {"reason": "ContainerCreating"}}),
            ["p: is not ready yet, and does not say why"],
        ),
        (
            a_pod(
                state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 2}}
            ),
            ["p: has ended with status 2 (no reason): its log says why"],
        ),
        (
            a_pod(("Ready", "False"), state={"running": {}}),
            ["p: runs, but is not ready: its log says what it waits for"],
        ),
        ({"metadata": {"name": "p"}}, ["p: is not ready yet, and does not say why"]),
    ],
)
def test_pods_that_are_not_ready_say_why(found: Json, said: list[str]) -> None:
    assert complaints([found]) == said


def test_a_kubectl_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"cannot run .*/none: No such file"):
        Kubectl(str(tmp_path / "none")).kustomize(tmp_path)


def test_what_kubectl_says_is_handed_on(tmp_path: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.write_text("#!/bin/sh\necho 'error: no such thing' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(FleetError, match="kubectl apply: error: no such thing"):
        Kubectl(str(fake), tmp_path / "k").apply([NAMESPACE])
    with pytest.raises(FleetError, match="kubectl logs -n n deployment/d"):
        Kubectl(str(fake)).wait_for_rollout("n", "d", 1)

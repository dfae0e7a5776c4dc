"""Which version of Argo a cluster claims to have, from the Deployments that may run its controller."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.argo import claims, controller_version, image_tag, lowest_version
from controllers.api.deployment import Deployment
from controllers.kube.semver import version as semantic

IMAGE = "quay.io/argoproj/workflow-controller"
DIGEST = "@sha256:2612f203b1be154524b0dbb65212a158776f0643e2f6e1dad45984fc93413d97"


def deployment(*images: str, label: str = "", command: str = "", **spec: Any) -> Deployment:
    containers = [{"name": "c", "image": image, "command": [command] if command else []} for image in images]
    labels = {"app.kubernetes.io/version": label} if label else {}
    body = {
        "metadata": {"name": "workflow-controller", "labels": labels},
        "spec": {"template": {"spec": {"containers": containers}}, **spec},
    }
    return msgspec.convert(body, Deployment)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("workflow-controller", ""),
        ("workflow-controller:v4.0.2", "v4.0.2"),
        (f"{IMAGE}:v4.0.2", "v4.0.2"),
        (f"{IMAGE}:v4.0.2{DIGEST}", "v4.0.2"),
        (f"{IMAGE}{DIGEST}", ""),
        ("registry:5000/argo/workflow-controller", ""),
        ("registry:5000/argo/workflow-controller:v3.7.0", "v3.7.0"),
        ("", ""),
    ],
)
def test_the_tag_of_an_image(image: str, tag: str) -> None:
    assert image_tag(image) == tag


@pytest.mark.parametrize(
    ("found", "version"),
    [
        (deployment(f"{IMAGE}:v4.0.2"), "v4.0.2"),
        (deployment(f"{IMAGE}:4.0.2"), "v4.0.2"),
        (deployment(f"{IMAGE}:v4.0.0-rc2"), "v4.0.0-rc2"),
        (deployment("envoy:v1.30.0", f"{IMAGE}:v4.0.2"), "v4.0.2"),
        (deployment(f"{IMAGE}:v4.0.2", label="v3.0.0"), "v4.0.2"),
        (deployment(f"{IMAGE}:latest", label="v3.6.5"), "v3.6.5"),
        (deployment(f"{IMAGE}{DIGEST}", label="3.6.5"), "v3.6.5"),
        (deployment("mirror/argo:v4.0.2", command="/bin/workflow-controller"), "v4.0.2"),
        (deployment(f"{IMAGE}:latest"), None),
        (deployment(f"{IMAGE}:20260101"), None),
        (deployment(f"{IMAGE}{DIGEST}"), None),
        (deployment(f"{IMAGE}:latest", label="latest"), None),
        (deployment(f"{IMAGE}:v4.0.2", replicas=0), None),
        (deployment("example.org/workflow-server:v4.0.2"), None),
        (deployment(), None),
    ],
)
def test_the_version_that_a_deployment_runs(found: Deployment, version: str | None) -> None:
    assert controller_version(found) == version


@pytest.mark.parametrize(
    ("tags", "version"),
    [
        ([], None),
        (["latest"], None),
        (["v4.0.2", "latest"], "v4.0.2"),
        (["v4.0.2", "v3.7.10", "v3.7.9"], "v3.7.9"),
        (["v4.0.0", "v4.0.0-rc10", "v4.0.0-rc.2"], "v4.0.0-rc.2"),
    ],
)
def test_of_several_controllers_the_lowest_version_counts(tags: list[str], version: str | None) -> None:
    assert lowest_version(deployment(f"{IMAGE}:{tag}") for tag in tags) == version


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1), st.randoms())
def test_every_controller_has_at_least_the_version_claimed(
    versions: list[tuple[int, int, int]], random: Any
) -> None:
    texts = [".".join(map(str, parts)) for parts in versions]
    found = lowest_version(deployment(f"{IMAGE}:v{text}") for text in texts)
    assert found is not None
    assert all(semantic(found.removeprefix("v")) <= semantic(text) for text in texts)
    random.shuffle(texts)
    assert lowest_version(deployment(f"{IMAGE}:v{text}") for text in texts) == found


@pytest.mark.parametrize(
    ("served", "version", "expected"),
    [
        (False, None, {}),
        (False, "v4.0.2", {}),
        (True, None, {"argo.argosy.io": "true"}),
        (True, "v4.0.2", {"argo.argosy.io": "true", "version.argo.argosy.io": "v4.0.2"}),
    ],
)
def test_claims(version: str | None, expected: dict[str, str], *, served: bool) -> None:
    assert claims(served=served, version=version) == expected

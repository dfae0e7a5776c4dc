"""What a cluster claims about its Argo Workflows: that it serves them, and which version runs them. Pure.

The version is that of the Deployments of Argo's workflow controller, as Argo's own manifests and its Helm chart (charts
argo-workflows of argo-helm) make them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from controllers.api.deployment import DeployedContainer, Deployment
from controllers.api.keys import ARGO_CLAIM, ARGO_VERSION_CLAIM
from controllers.kube.semver import Version
from controllers.kube.semver import version as semantic

# Name of the Deployment in Argo's own manifests, which give it no labels, of its program, and its component in Helm's.
CONTROLLER: Final = "workflow-controller"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"

_VERSION_LABEL: Final = "app.kubernetes.io/version"


def claims(*, served: bool, version: str | None) -> dict[str, str]:
    """The ClusterClaims by name. `served`: whether the cluster has Argo's Workflows; nothing else counts without."""
    if not served:
        return {}
    return {ARGO_CLAIM: "true"} | ({} if version is None else {ARGO_VERSION_CLAIM: version})


def lowest_version(deployments: Iterable[Deployment]) -> str | None:
    """The version of the workflow controllers among `deployments`, such as `v4.0.2`; None: none of them tells one.

    Of several the lowest: what a Placement asks for at least, each controller of the cluster then has.
    """
    found = [text for item in deployments if (text := controller_version(item)) is not None]
    return min(found, key=_semantic, default=None)


def controller_version(deployment: Deployment) -> str | None:
    """The version that a Deployment runs of Argo's controller; None: it runs none, or does not say which.

    The image's tag says it, else (a digest, `latest`) the label that Helm's chart sets.
    """
    if deployment.spec.replicas == 0:
        return None
    controllers = [item for item in deployment.spec.template.spec.containers if _is_controller(item)]
    if not controllers:
        return None
    told = (image_tag(controllers[0].image), deployment.metadata.labels.get(_VERSION_LABEL, ""))
    return next((text for text in map(_canonical, told) if text is not None), None)


def image_tag(image: str) -> str:
    """The tag in `[registry[:port]/]path[:tag][@digest]`; "" without one."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2]


def _is_controller(container: DeployedContainer) -> bool:
    name = container.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    program = container.command[0].rpartition("/")[2] if container.command else ""
    return CONTROLLER in (name, program)


def _canonical(text: str) -> str | None:
    """With a leading v, as Argo's tags have it; None for what is no semantic version."""
    found = f"v{text.removeprefix('v')}"
    try:
        _semantic(found)
    except ValueError:
        return None
    return found


def _semantic(text: str) -> Version:
    return semantic(text.removeprefix("v"))

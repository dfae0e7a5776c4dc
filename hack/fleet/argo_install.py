"""Argo's controller as a Deployment, for clusters whose nodes run images: the manifests of Argo's own release.

They are read from Go's module archive, or without Go from the release's tag, as `hack.fleet.argo_kinds` reads
the kinds. Argo's server is left out; settings and the executor's permissions are ours (manifests/argo.yaml).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config, utils
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from controllers.api.keys import ARGO_NAMESPACE
from hack.fleet import cache
from hack.fleet.argv import workflow_controller_environment
from hack.fleet.build import module_directory
from hack.fleet.cancel import Cancellation
from hack.fleet.download import Downloader, NotDownloaded
from hack.fleet.errors import FleetError
from hack.fleet.versions import ARGO

DEPLOYMENT = "workflow-controller"
# Folders of manifests/, each with a kustomization that names its files.
FOLDERS = ("base/workflow-controller", "cluster-install-no-crds/workflow-controller-rbac")
_TAG = f"https://raw.githubusercontent.com/argoproj/argo-workflows/{ARGO.version}/manifests"
_CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "PriorityClass"}
# What manifests/argo.yaml has already, with the settings that local clusters run on.
_OURS = {"ConfigMap", "ServiceAccount"}

Manifest = dict[str, Any]

# The library's own annotations stop before these two.
_connect: Callable[..., client.ApiClient] = config.new_client_from_config
_create: Callable[..., object] = utils.create_from_dict


def load(cancellation: Cancellation) -> list[Manifest]:
    """The manifests to create, in the pinned version; FleetError if there is no way to get them."""
    log = cache.root() / "logs" / "argo-module.log"
    module = module_directory(ARGO, log, cancellation)
    if module:
        return select(lambda path: (module / "manifests" / path).read_text())
    downloader = Downloader(cancellation)
    try:
        return select(lambda path: downloader.text(f"{_TAG}/{path}"))
    except NotDownloaded as error:
        raise FleetError(f"Argo's manifests: there is no Go here, and {error}") from error


def select(read: Callable[[str], str]) -> list[Manifest]:
    """What of Argo's manifests is needed, made fit for the namespace `argo`. `read` gets a path below manifests/."""
    documents: list[Manifest] = []
    for folder in FOLDERS:
        for name in yaml.safe_load(read(f"{folder}/kustomization.yaml"))["resources"]:
            documents += yaml.safe_load_all(read(f"{folder}/{name}"))
    return [_adapted(body) for body in documents if body and body["kind"] not in _OURS]


def _adapted(body: Manifest) -> Manifest:
    """What kustomize would do for a release: the namespace, and an image with a version."""
    if body["kind"] not in _CLUSTER_SCOPED:
        body["metadata"]["namespace"] = ARGO_NAMESPACE
    for subject in body.get("subjects", []):
        subject["namespace"] = ARGO_NAMESPACE
    if body["kind"] == "Deployment":
        for container in body["spec"]["template"]["spec"]["containers"]:
            container["image"] = f"{container['image'].rsplit(':', 1)[0]}:{ARGO.version}"
            more = workflow_controller_environment()
            container["env"] = [
                *container.get("env", []),
                *({"name": k, "value": v} for k, v in more.items()),
            ]
    return body


def install(kubeconfig: Path, manifests: list[Manifest], cancellation: Cancellation, seconds: float) -> None:
    """Create them and return when the controller's Deployment is available.

    The namespace, the kinds and the settings are there already. FleetError if something is refused, or if the
    controller does not run in time.
    """
    with contextlib.closing(_connect(str(kubeconfig))) as api:
        try:
            for body in manifests:
                _create(api, body)
            _wait_available(api, kubeconfig, cancellation, seconds)
        except (ApiException, utils.FailToCreateError, HTTPError) as error:
            raise FleetError(f"installing Argo failed: {error}") from error


def _wait_available(
    api: client.ApiClient, kubeconfig: Path, cancellation: Cancellation, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while not _is_available(api):
        if time.monotonic() > deadline:
            raise FleetError(
                f"Argo's controller does not run after {seconds:.0f} s; see why with\n"
                f"  kubectl --kubeconfig {kubeconfig} -n {ARGO_NAMESPACE} describe pods"
            )
        cancellation.pause(0.5)


def _is_available(api: client.ApiClient) -> bool:
    found = client.AppsV1Api(api).read_namespaced_deployment_status(DEPLOYMENT, ARGO_NAMESPACE)
    return found.status is not None and bool(found.status.available_replicas)

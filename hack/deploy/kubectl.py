"""kubectl, for what it does better than we could: kustomize, server-side apply of any kind, waiting for a rollout."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from controllers.api.kinds import Kind
from hack.deploy.pods import complaints
from hack.fleet import progress
from hack.fleet.binaries import Binaries
from hack.fleet.cancel import Cancellation
from hack.fleet.errors import FleetError

Json = dict[str, Any]


def find() -> str:
    """$KUBECTL, else the one that the local fleets use: found, downloaded or built."""
    if named := os.environ.get("KUBECTL"):
        return named
    with progress.choose(Console(stderr=True)) as shown:
        return str(Binaries(shown, Cancellation()).ensure(["kubectl"])["kubectl"])


class Kubectl:
    """`program` on the cluster of one kubeconfig. All methods raise FleetError with what kubectl says."""

    def __init__(self, program: str, kubeconfig: Path | None = None) -> None:
        self._program = program
        self._connection = [f"--kubeconfig={kubeconfig}"] if kubeconfig else []

    def kustomize(self, base: Path) -> list[Json]:
        """The objects of a kustomization, in the order to apply them. Asks no cluster."""
        text = _run([self._program, "kustomize", str(base)])
        return [body for body in yaml.load_all(text, Loader=yaml.CSafeLoader) if body]

    def apply(self, objects: Iterable[Json], *options: str) -> str:
        """Has the objects be as they are here, whoever has changed them since; returns what was done."""
        arguments = ["apply", "--server-side", "--force-conflicts", "--field-manager=argosy-deploy"]
        return self._on_cluster([*arguments, *options, "-f", "-"], _as_list(objects))

    def delete(self, objects: Iterable[Json], *options: str) -> str:
        """Deletes the objects, and returns when they are gone; those that are not there do not matter."""
        return self._on_cluster(["delete", "--ignore-not-found", *options, "-f", "-"], _as_list(objects))

    def delete_labelled(self, kind: Kind, label: str) -> str:
        """Deletes the objects with the label (`name=value`), of a custom resource that need not be installed."""
        installed = self._on_cluster(["get", "crd", str(kind), "--ignore-not-found", "-o=name"])
        if not installed.strip():
            return ""
        return self._on_cluster(["delete", str(kind), f"--selector={label}", "--ignore-not-found"])

    def labels(self, kind: Kind, name: str) -> dict[str, str] | None:
        """Of a cluster-scoped object; None if it is not there."""
        text = self._on_cluster(["get", str(kind), name, "--ignore-not-found", "-o=json"])
        return dict(json.loads(text)["metadata"].get("labels") or {}) if text.strip() else None

    def wait_for_rollout(self, namespace: str, deployment: str, seconds: float) -> str:
        """Returns when all pods are new and ready. The error says why they are not."""
        arguments = ["rollout", "status", f"deployment/{deployment}", f"--namespace={namespace}"]
        try:
            return self._on_cluster([*arguments, f"--timeout={seconds:.0f}s"])
        except FleetError as error:
            why = complaints(self._pods(namespace, deployment))
            log = f"kubectl logs -n {namespace} deployment/{deployment}"
            raise FleetError("\n  ".join([str(error), *why, log])) from error

    def _pods(self, namespace: str, deployment: str) -> list[Json]:
        """Of a Deployment of ours, whose pods all have its name as their label."""
        selector = f"app.kubernetes.io/name={deployment}"
        try:
            text = self._on_cluster(["get", "pods", f"--namespace={namespace}", "-l", selector, "-o", "json"])
        except FleetError:
            return []
        return list(json.loads(text)["items"])

    def _on_cluster(self, arguments: list[str], given: str | None = None) -> str:
        return _run([self._program, *arguments, *self._connection], given)


def _as_list(objects: Iterable[Json]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def _run(command: list[str], given: str | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise FleetError(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode:
        raise FleetError(f"kubectl {command[1]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout

"""What a kubeconfig holds, without the client library: read, and made. Pure but for the files that one names."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]


class KubeconfigError(ValueError):
    """Not a kubeconfig, or one that lacks what is needed. The text says what."""


def parse(text: str, directory: Path = Path()) -> Json:
    """What `text` says; the files with certificates and keys that it names, seen from `directory`, are in it then.

    Raises KubeconfigError, OSError.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KubeconfigError(f"not YAML: {error}") from error
    if not isinstance(found, dict):
        raise KubeconfigError("not a kubeconfig")
    for section, entry, names in (
        ("clusters", "cluster", ("certificate-authority",)),
        ("users", "user", ("client-certificate", "client-key")),
    ):
        for item in found.get(section) or []:
            _embed(item.get(entry) or {}, names, directory)
    return found


def _embed(entry: Json, names: tuple[str, ...], directory: Path) -> None:
    for name in names:
        if file := entry.pop(name, None):
            entry.setdefault(f"{name}-data", base64.b64encode((directory / file).read_bytes()).decode())


def cluster_of(kubeconfig: Mapping[str, Any]) -> Json:
    """How its current context reaches the API server: `server`, CA, proxy. Raises KubeconfigError."""
    context = _named(kubeconfig, "contexts", kubeconfig.get("current-context")).get("context") or {}
    cluster: Json = dict(_named(kubeconfig, "clusters", context.get("cluster")).get("cluster") or {})
    if not cluster.get("server"):
        raise KubeconfigError("its current context names no server")
    return cluster


def account_of(kubeconfig: Mapping[str, Any]) -> Json:
    """Who its current context is, as the entry `user` has it. Raises KubeconfigError."""
    context = _named(kubeconfig, "contexts", kubeconfig.get("current-context")).get("context") or {}
    account: Json = _named(kubeconfig, "users", context.get("user")).get("user") or {}
    return account


def kubeconfig(
    cluster: Mapping[str, Any], account: Mapping[str, Any], *, user: str, namespace: str = ""
) -> Json:
    """With one context. `cluster` as of `cluster_of`, `account` as of `account_of`, which is called `user`."""
    context = {"cluster": "hub", "user": user} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "hub", "cluster": dict(cluster)}],
        "users": [{"name": user, "user": dict(account)}],
        "contexts": [{"name": "hub", "context": context}],
        "current-context": "hub",
    }


def _named(kubeconfig: Mapping[str, Any], section: str, name: object) -> Json:
    entries = kubeconfig.get(section) or []
    found = next((item for item in entries if isinstance(item, dict) and item.get("name") == name), None)
    if found is None:
        raise KubeconfigError(f"its {section} has no {name!r}")
    return found

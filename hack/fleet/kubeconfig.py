"""Kubeconfig files for the administrators of local clusters."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import yaml


def content(cluster: str, server: str, ca: bytes, token: str) -> dict[str, Any]:
    """A kubeconfig with one context named like its cluster; the CA is embedded, so the file stands alone."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": base64.b64encode(ca).decode(),
                },
            }
        ],
        "users": [{"name": f"{cluster}-admin", "user": {"token": token}}],
        "contexts": [
            {
                "name": cluster,
                "context": {"cluster": cluster, "user": f"{cluster}-admin", "namespace": "argo"},
            }
        ],
    }


def write(path: Path, config: dict[str, Any]) -> None:
    """Write a kubeconfig that only its owner may read; never visible half written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    temporary.replace(path)

"""Where the agent keeps its hub kubeconfig: in a file, or, in a pod, in a Secret of its cluster.

Beside it, while the hub has not answered, lies the key of the certificate that was asked for: an agent that is started
anew goes on with the same request.
"""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from controllers.api.kinds import SECRET
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.kubeconfig import parse
from controllers.kube.patch import merge_patch
from controllers.kube.private_file import write_private

Json = dict[str, Any]

_KUBECONFIG: Final = "kubeconfig"
_PENDING: Final = "pending.key"


class Keep(Protocol):
    """`str()` says where it is."""

    async def load(self) -> Json | None:
        """The kubeconfig, None if there is none. Raises KubeconfigError, ApiError, OSError."""
        ...

    async def save(self, kubeconfig: Json) -> None:
        """Keeps it and lets go of the pending key. Raises ApiError, OSError."""
        ...

    async def pending(self) -> bytes | None:
        """The key of a request under way."""
        ...

    async def hold(self, key: bytes) -> None:
        """Keeps the key of a request that is about to be made."""
        ...


class FileKeep:
    """A file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = path.with_name(f"{path.name}.{_PENDING}")

    def __str__(self) -> str:
        return str(self._path)

    async def load(self) -> Json | None:
        text = _read(self._path)
        return None if text is None else parse(text.decode(), self._path.parent)

    async def save(self, kubeconfig: Json) -> None:
        write_private(self._path, yaml.safe_dump(kubeconfig, sort_keys=False).encode())
        self._key.unlink(missing_ok=True)

    async def pending(self) -> bytes | None:
        return _read(self._key)

    async def hold(self, key: bytes) -> None:
        write_private(self._key, key)


class SecretKeep:
    """A Secret of the managed cluster, of the form that OCM's agent uses too (key `kubeconfig`)."""

    def __init__(self, managed: Client, namespace: str, name: str) -> None:
        self._managed = managed
        self._namespace = namespace
        self._name = name

    def __str__(self) -> str:
        return f"Secret {self._namespace}/{self._name}"

    async def load(self) -> Json | None:
        text = (await self._data()).get(_KUBECONFIG)
        return None if text is None else parse(text.decode())

    async def save(self, kubeconfig: Json) -> None:
        text = yaml.safe_dump(kubeconfig, sort_keys=False).encode()
        await self._merge({_KUBECONFIG: text, _PENDING: None})

    async def pending(self) -> bytes | None:
        return (await self._data()).get(_PENDING)

    async def hold(self, key: bytes) -> None:
        await self._merge({_PENDING: key})

    async def _data(self) -> dict[str, bytes]:
        found = await self._managed.find(SECRET, self._name, namespace=self._namespace)
        data = (found.to_dict().get("data") or {}) if found is not None else {}
        return {name: base64.b64decode(value) for name, value in data.items()}

    async def _merge(self, data: dict[str, bytes | None]) -> None:
        encoded = {
            name: None if value is None else base64.b64encode(value).decode() for name, value in data.items()
        }
        try:
            await self._managed.patch(
                SECRET, self._name, merge_patch({"data": encoded}), namespace=self._namespace
            )
        except NotFound:
            body: Json = {
                "apiVersion": SECRET.api_version,
                "kind": SECRET.kind,
                "metadata": {"name": self._name, "namespace": self._namespace},
                "data": {name: value for name, value in encoded.items() if value is not None},
            }
            await self._managed.create(SECRET, body, namespace=self._namespace)


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None

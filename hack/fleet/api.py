"""A small synchronous client: apply, get, list, delete and watch any kind with plain dictionaries.

Configuration, credentials and the connection pool are the `kubernetes` package's. Its generated classes are
left out: they decode objects into models that know no custom kinds, and their discovery takes longer than
everything the fleet wants to do. Kinds come from `controllers.api.kinds` instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config import ConfigException

from controllers.api import kinds
from controllers.api.kinds import Kind
from hack.fleet.errors import ApiFailed, FleetError

FIELD_MANAGER = "argosy"
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")

_KNOWN = {
    (kind.api_version, kind.kind): kind
    for kind in (*vars(kinds).values(), CONFIG_MAP)
    if isinstance(kind, Kind)
}
_load: Callable[..., client.ApiClient] = config.new_client_from_config
# Only what the server asks for: a kind that was installed a moment ago answers 429 for a while.
_RETRIES = urllib3.Retry(
    total=None,
    connect=0,
    read=0,
    redirect=0,
    status=5,
    other=0,
    status_forcelist={429},
    allowed_methods=None,
    raise_on_status=False,
)
# A definition of half a megabyte takes an API server seconds, and more where several of them start.
_TIMEOUT = urllib3.Timeout(connect=5, read=90)


def kind_of(body: Mapping[str, Any]) -> Kind:
    """The kind of a manifest; FleetError for one that no part of Argosy deals with."""
    name = (body.get("apiVersion", ""), body.get("kind", ""))
    if name not in _KNOWN:
        raise FleetError(f"don't know how to apply {name[0]} {name[1]}")
    return _KNOWN[name]


class Api:
    """One API server, with the credentials of one kubeconfig. Safe to use from several threads."""

    def __init__(self, kubeconfig: Path | str | None, context: str | None = None) -> None:
        try:
            made = _load(str(kubeconfig) if kubeconfig else None, context)
        except (ConfigException, OSError, yaml.YAMLError) as error:
            raise FleetError(f"kubeconfig {kubeconfig or '(default)'} is not usable: {error}") from error
        self._configuration: client.Configuration = made.configuration
        self._pool: urllib3.PoolManager = made.rest_client.pool_manager
        self.server: str = self._configuration.host

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        **query: str,
    ) -> dict[str, Any]:
        """One request; ApiFailed if the answer is an error or if there is none."""
        response = self._send(method, path, body, content_type, query, stream=False)
        answer: dict[str, Any] = json.loads(response.data)
        return answer

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Server-side apply: create the object or bring the given fields to the given values."""
        kind, metadata = kind_of(body), body["metadata"]
        return self.request(
            "PATCH",
            kind.path(metadata.get("namespace", ""), metadata["name"]),
            body,
            content_type="application/apply-patch+yaml",
            fieldManager=FIELD_MANAGER,
            force="true",
        )

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self.request("POST", kind_of(body).path(body["metadata"].get("namespace", "")), body)

    def get(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any] | None:
        """The object, or None if it does not exist."""
        try:
            return self.request("GET", kind.path(namespace, name))
        except ApiFailed as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: Kind, namespace: str = "", **query: str) -> dict[str, Any]:
        """The list object: `items` and `metadata.resourceVersion`."""
        return self.request("GET", kind.path(namespace), None, **query)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        """Whether there was something to delete."""
        try:
            self.request("DELETE", kind.path(namespace, name))
        except ApiFailed as error:
            if error.status == 404:
                return False
            raise
        return True

    def watch(
        self, kind: Kind, namespace: str = "", *, resource_version: str, seconds: int, **query: str
    ) -> Iterator[dict[str, Any]]:
        """Watch events as they come (`type`, `object`), for at most `seconds`."""
        query |= {
            "watch": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        response = self._send("GET", kind.path(namespace), None, "", query, stream=True)
        try:
            pending = b""
            for chunk in response.stream(None, decode_content=True):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines if line)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiFailed(0, f"watch of {kind} at {self.server} broke: {error}") from error
        finally:
            response.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        content_type: str,
        query: Mapping[str, str],
        *,
        stream: bool,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", **self._credentials()}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            response = self._pool.request(
                method,
                url,
                headers=headers,
                body=json.dumps(body).encode() if body is not None else None,
                preload_content=not stream,
                retries=_RETRIES,
                timeout=urllib3.Timeout(connect=5, read=None) if stream else _TIMEOUT,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiFailed(0, f"no answer from {self.server}: {error}") from error
        if response.status >= 400:
            raise ApiFailed(response.status, f"{method} {path}: {_message(response)}")
        return response

    def _credentials(self) -> dict[str, str]:
        # Asked for each time: tokens of exec plugins and of pods are renewed behind this call.
        settings = cast("dict[str, dict[str, str]]", self._configuration.auth_settings())
        return {entry["key"]: entry["value"] for entry in settings.values() if entry.get("value")}


def _message(response: urllib3.BaseHTTPResponse) -> str:
    """What a metav1.Status says, or the beginning of whatever else was answered."""
    text = response.data.decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return f"{response.status} {text[:300]}"

"""Where an API server is, and who asks it: what a kubeconfig or a pod says. Reading is kubernetes-asyncio's."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config.config_exception import ConfigException

from controllers.kube.kubeconfig import cluster_of

# A file, or what one holds.
Kubeconfig = Path | str | Mapping[str, Any]


class ConfigError(Exception):
    """No usable kubeconfig. The message says where was looked and what to do."""


async def configured(kubeconfig: Kubeconfig | None, context: str | None = None) -> Configuration:
    """Of `kubeconfig`, else $KUBECONFIG, else the pod's service account, else ~/.kube/config. Its errors are many:
    see `config_errors`."""
    configuration = Configuration()
    if isinstance(kubeconfig, Mapping):
        await kube_config.load_kube_config_from_dict(
            dict(kubeconfig), context=context, client_configuration=configuration
        )
    elif kubeconfig is None and _in_cluster():
        kube_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        if kubeconfig is not None:
            _must_exist(kubeconfig)  # or the library would find fault with an empty configuration
        await kube_config.load_kube_config(
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    refuse_plain_text(configuration)
    return configuration


def spelled_server(kubeconfig: Kubeconfig | None, context: str | None = None) -> str:
    """The API server's URL exactly as `kubeconfig` has it; kubernetes-asyncio takes a trailing slash away. "" where it
    was not given one. Its errors are many: see `config_errors`."""
    if kubeconfig is None:
        return ""
    found = kubeconfig if isinstance(kubeconfig, Mapping) else yaml.safe_load(Path(kubeconfig).read_text())
    chosen = {"current-context": context} if context else {}
    return str(cluster_of({**found, **chosen})["server"])


@contextlib.contextmanager
def config_errors(kubeconfig: Kubeconfig | None) -> Iterator[None]:
    """What is wrong with a kubeconfig is a ConfigError, whatever noticed it."""
    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError, ValueError, KeyError, TypeError) as error:
        # OSError: no file, or (SSLError) nothing in it that is a certificate. ValueError: no base64.
        given = "what was given" if isinstance(kubeconfig, Mapping) else kubeconfig
        where = given or "$KUBECONFIG or ~/.kube/config"
        raise ConfigError(f"cannot load a kubeconfig from {where}: {error}") from error


def _must_exist(path: Path | str) -> None:
    Path(path).stat()


def in_pod() -> bool:
    """Whether this process runs in a pod, where others come to its health and metrics from other addresses."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def default_listen(port: int) -> str:
    """Where a process serves health and metrics unless it is told: elsewhere than in a pod, to this machine alone."""
    return f":{port}" if in_pod() else f"127.0.0.1:{port}"


def _in_cluster() -> bool:
    return in_pod() and "KUBECONFIG" not in os.environ


def refuse_plain_text(configuration: Configuration) -> None:
    """Raises ConfigError for credentials that would cross a network readable by everybody on the way."""
    url = urlsplit(configuration.host)
    has_credentials = bool(
        configuration.api_key or configuration.cert_file or configuration.username or configuration.password
    )
    if url.scheme == "http" and has_credentials and not _is_loopback(url.hostname or ""):
        raise ConfigError(
            f"the API server's address is {configuration.host}: without TLS everybody on the way reads the "
            "credentials, so they are not sent; use its https:// address"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Where an API server is, and who asks it: what a kubeconfig or a pod says. Reading is kubernetes-asyncio's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ

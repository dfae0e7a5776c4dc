"""The K3s provider, with local clusters behind kubeconfigs like K3s's: everything but the container."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import docker.errors
import pytest
import yaml
from testcontainers.community.k3s import K3SContainer
from testcontainers.core.config import ConnectionMode, testcontainers_config

from controllers.api.kinds import CRD, NODE, Kind
from hack.fleet import argo_install, containers_engine, k3s
from hack.fleet.api import Api
from hack.fleet.containers_engine import Engine
from hack.fleet.errors import FleetError
from hack.fleet.k3s import K3sProvider
from hack.fleet.local import LocalFleet, LocalProvider
from hack.fleet.provider import Cluster
from hack.fleet.versions import ARGO

pytestmark = pytest.mark.integration

DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")


class Played:
    """A container that is a local cluster in truth."""

    def __init__(self, cluster: Cluster, error: Exception | None = None) -> None:
        self._cluster = cluster
        self._error = error
        self.started = 0
        self.stopped = 0

    def start(self) -> None:
        if self._error:
            raise self._error
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1

    def get_logs(self) -> tuple[bytes, bytes]:
        return b"what K3s wrote\n", b""

    def config_yaml(self) -> str:
        """As K3s writes it: everything is called `default`, and no namespace is chosen."""
        config = yaml.safe_load(self._cluster.kubeconfig.read_text())
        for key in ("clusters", "users", "contexts"):
            config[key][0]["name"] = "default"
        config["contexts"][0]["context"] = {"cluster": "default", "user": "default"}
        config["current-context"] = "default"
        return yaml.safe_dump(config)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    with LocalProvider().start(tmp_path_factory.mktemp("local"), ["cluster1"], argo=False) as running:
        yield running


def one_by_one(*containers: Played) -> Callable[[], Played]:
    return iter(containers).__next__


@pytest.mark.docker
def test_a_container_is_made_privileged_and_with_its_owner(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
    made = k3s.make_container()
    assert isinstance(made, K3SContainer)
    assert made.image == k3s.IMAGE
    assert vars(made)["_kwargs"] == {
        "privileged": True,
        "labels": {containers_engine.OWNER_LABEL: containers_engine.owner()},
    }
    made.stop()


@pytest.mark.docker
def test_inside_a_container_it_says_what_to_set(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.gateway_ip)
    with pytest.raises(FleetError, match="TESTCONTAINERS_CONNECTION_MODE=docker_host"):
        k3s.make_container()


def test_a_fleet_is_a_hub_and_clusters_that_run_argo(local: LocalFleet, tmp_path: Path) -> None:
    hub, cluster = Played(local.hub), Played(local.managed["cluster1"])
    fleet = K3sProvider(make=one_by_one(hub, cluster)).start(tmp_path, ["cluster1"], argo=True)
    assert (hub.started, cluster.started) == (1, 1)
    assert list(fleet.managed) == ["cluster1"]

    config = yaml.safe_load(fleet.managed["cluster1"].kubeconfig.read_text())
    assert config["current-context"] == "cluster1"
    assert fleet.hub.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert Api(fleet.hub.kubeconfig).list(NODE)["items"] == []

    api = Api(fleet.managed["cluster1"].kubeconfig)
    deployment = api.get(DEPLOYMENT, argo_install.DEPLOYMENT, "argo")
    assert deployment is not None
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"quay.io/argoproj/workflow-controller:{ARGO.version}"
    assert deployment["status"]["availableReplicas"] == 1
    assert "workflowtemplates.argoproj.io" in {body["metadata"]["name"] for body in api.list(CRD)["items"]}

    fleet.stop()
    assert (hub.stopped, cluster.stopped) == (1, 1)
    assert (fleet.hub.log_dir / "cluster1-k3s.log").read_text() == "what K3s wrote\n"


def test_a_container_that_does_not_start_takes_the_others_down(local: LocalFleet, tmp_path: Path) -> None:
    hub = Played(local.hub)
    broken = Played(local.managed["cluster1"], docker.errors.ImageNotFound("rancher/k3s: no such image"))
    with pytest.raises(FleetError, match=r"K3s did not start for cluster1: .*no such image"):
        K3sProvider(make=one_by_one(hub, broken)).start(tmp_path, ["cluster1"], argo=False)
    assert (hub.stopped, broken.stopped) == (1, 1)

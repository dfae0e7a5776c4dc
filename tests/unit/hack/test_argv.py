"""Command lines: what must be in them for a cluster to be honest and private."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hack.fleet import argv
from hack.fleet.certs import Pki

BIN = Path("/bin/x")
PKI = Pki(Path("/pki"))
CONFIG = Path("/c1.kubeconfig")

COMMANDS: dict[str, Callable[[], list[str]]] = {
    "etcd": lambda: argv.etcd(BIN, data=Path("/d"), client=1, peer=2),
    "apiserver": lambda: argv.apiserver(BIN, PKI, cluster="c1", etcd="http://127.0.0.1:1", port=3),
    "controller-manager": lambda: argv.controller_manager(BIN, PKI, kubeconfig=CONFIG, port=4),
    "scheduler": lambda: argv.scheduler(BIN, PKI, kubeconfig=CONFIG, port=5),
    "kwok": lambda: argv.kwok(BIN, PKI, kubeconfig=CONFIG, settings=[Path("/a"), Path("/b")], port=6),
    "workflow-controller": lambda: argv.workflow_controller(BIN, kubeconfig=CONFIG, version="v4.0.2"),
}


@pytest.mark.parametrize(
    ("part", "flags"),
    [
        ("etcd", ["--unsafe-no-fsync", "--listen-client-urls=http://127.0.0.1:1"]),
        ("etcd", ["--listen-peer-urls=http://127.0.0.1:2", "--data-dir=/d"]),
        ("apiserver", ["--etcd-prefix=/c1", "--bind-address=127.0.0.1", "--secure-port=3"]),
        ("apiserver", ["--authorization-mode=Node,RBAC", "--token-auth-file=/pki/tokens.csv"]),
        ("apiserver", ["--kubelet-preferred-address-types=InternalIP", "--client-ca-file=/pki/ca.crt"]),
        ("controller-manager", ["--root-ca-file=/pki/ca.crt", "--leader-elect=false"]),
        (
            "controller-manager",
            ["--cluster-signing-cert-file=/pki/ca.crt", "--cluster-signing-key-file=/pki/ca.key"],
        ),
        ("scheduler", ["--kubeconfig=/c1.kubeconfig", "--secure-port=5"]),
        ("kwok", ["--config=/a", "--config=/b", "--node-port=6", "--server-address=127.0.0.1:6"]),
        ("workflow-controller", ["--namespace=argo", "--executor-image=quay.io/argoproj/argoexec:v4.0.2"]),
    ],
)
def test_command_has_flags(part: str, flags: list[str]) -> None:
    command = COMMANDS[part]()
    assert [flag for flag in flags if flag not in command] == []


@pytest.mark.parametrize("part", COMMANDS)
def test_command_is_its_binary_and_listens_on_loopback_only(part: str) -> None:
    command = COMMANDS[part]()
    assert command[0] == "/bin/x"
    assert not any("0.0.0.0" in argument for argument in command)


def test_service_account_tokens_are_checked_with_the_key_that_signs_them() -> None:
    server, manager = COMMANDS["apiserver"](), COMMANDS["controller-manager"]()
    key = "/pki/service-account.key"
    assert f"--service-account-signing-key-file={key}" in server
    assert f"--service-account-key-file={key}" in server
    assert f"--service-account-private-key-file={key}" in manager


def test_a_part_can_listen_elsewhere_for_containers() -> None:
    command = argv.apiserver(BIN, PKI, cluster="c1", etcd="http://e:1", port=3, bind="0.0.0.0")
    assert "--bind-address=0.0.0.0" in command


def test_an_api_server_serves_profiles_only_if_asked() -> None:
    assert "--profiling=false" in COMMANDS["apiserver"]()
    asked = argv.apiserver(BIN, PKI, cluster="c1", etcd="http://e:1", port=3, profiling=True)
    assert [item for item in asked if "profiling" in item] == ["--profiling=true"]


@pytest.mark.parametrize(("shards", "flags"), [(1, []), (4, ["--shards=4"])])
def test_controllers_share_the_work_only_if_asked(shards: int, flags: list[str]) -> None:
    command = argv.controllers(BIN, kubeconfig=CONFIG, listen=7, shards=shards)
    assert [item for item in command if "shards" in item] == flags


@pytest.mark.parametrize(("only", "flags"), [("", []), ("placement", ["--controllers=placement"])])
def test_all_controllers_run_unless_some_are_named(only: str, flags: list[str]) -> None:
    command = argv.controllers(BIN, kubeconfig=CONFIG, listen=7, only=only)
    assert [item for item in command if "--controllers" in item] == flags


def test_our_own_parts_are_run_as_users_run_them() -> None:
    hub, out = Path("/hub.kubeconfig"), Path("/c1.agent.kubeconfig")
    join = argv.agent_join(BIN, cluster="c1", hub=hub, out=out)
    agent = argv.agent(BIN, cluster="c1", hub=out, kubeconfig=CONFIG, listen=8)
    assert join[1:] == [
        "-m", "agent", "join", "--cluster=c1", "--hub-kubeconfig=/hub.kubeconfig", "--out=/c1.agent.kubeconfig",
        "--accept",
    ]  # fmt: skip
    assert agent[1:4] == ["-m", "agent", "run"]
    assert {"--hub-kubeconfig=/c1.agent.kubeconfig", "--listen=127.0.0.1:8"} <= set(agent)
    assert argv.controllers(BIN, kubeconfig=hub, listen=7)[1:] == [
        "-m", "controllers", "run", "--registration=on", "--kubeconfig=/hub.kubeconfig", "--listen=127.0.0.1:7",
    ]  # fmt: skip

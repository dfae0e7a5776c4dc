"""Ways to a server: tokens, client certificates, permissions, and what is said when there is no way."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controllers.api.kinds import NAMESPACE, ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Kind
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.kube.errors import Forbidden, Unauthorized, Unavailable
from controllers.kube.patch import merge_patch
from hack.fleet.provider import Cluster
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map, of
from tests.integration.tcp_proxy import TcpProxy, target_of, through

CSR = Kind(
    "certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", namespaced=False
)


def variant(
    hub: Cluster, path: Path, *, server: str | None = None, user: dict[str, Any] | None = None
) -> Path:
    """The hub's kubeconfig with another server or user."""
    config = yaml.safe_load(hub.kubeconfig.read_text())
    if server is not None:
        config["clusters"][0]["cluster"]["server"] = server
    if user is not None:
        config["users"][0]["user"] = user
    path.write_text(yaml.safe_dump(config))
    return path


async def certificate(client: Client, name: str, group: str) -> tuple[bytes, bytes]:
    """(certificate, key) as PEM, signed by the hub for a user of this name and group."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    encoded = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    signer = "kubernetes.io/kube-apiserver-client"
    spec = {"request": encoded, "signerName": signer, "usages": ["client auth"], "expirationSeconds": 600}
    await client.create(CSR, of(CSR, name, spec=spec))
    approved = {"type": "Approved", "status": "True", "reason": "Test", "message": ""}
    approval = merge_patch({"status": {"conditions": [approved]}})
    await client.patch(CSR, name, approval, subresource="approval")

    async def issued() -> str | None:
        status: dict[str, str] = (await client.get(CSR, name)).to_dict()["status"]
        return status.get("certificate")

    pem = base64.b64decode(await eventually(issued, what="certificate issued"))
    format_, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return pem, key.private_bytes(serialization.Encoding.PEM, format_, plain)


async def test_a_client_certificate_names_the_user_and_its_group(
    hub: Cluster, client: Client, namespace: str, tmp_path: Path
) -> None:
    pem, key = await certificate(client, f"user-{namespace}", f"group-{namespace}")
    user = {
        "client-certificate-data": base64.b64encode(pem).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    await client.create(ROLE, of(ROLE, "makers", rules=rules), namespace=namespace)
    binding = of(
        ROLE_BINDING,
        "makers",
        roleRef={"apiGroup": ROLE.group, "kind": "Role", "name": "makers"},
        subjects=[{"apiGroup": ROLE.group, "kind": "Group", "name": f"group-{namespace}"}],
    )
    await client.create(ROLE_BINDING, binding, namespace=namespace)
    certified = await Client.connect(variant(hub, tmp_path / "config", user=user))
    try:

        async def allowed() -> bool:  # the authorizer hears of the binding through a watch
            try:
                await certified.create(CONFIG_MAP, config_map("a"), namespace=namespace)
            except Forbidden:
                return False
            return True

        await eventually(allowed)
        with pytest.raises(Forbidden, match=f"user-{namespace}"):
            await certified.list(CONFIG_MAP, namespace=namespace)
    finally:
        await certified.close()


async def test_a_service_account_token_may_do_what_its_account_may(
    hub: Cluster, client: Client, namespace: str, tmp_path: Path
) -> None:
    await client.create(SERVICE_ACCOUNT, of(SERVICE_ACCOUNT, "bot"), namespace=namespace)
    path = f"{SERVICE_ACCOUNT.path(namespace, 'bot')}/token"
    body = b'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}'
    token = yaml.safe_load(await client.request("POST", path, body=body))["status"]["token"]
    account = await Client.connect(variant(hub, tmp_path / "config", user={"token": token}))
    try:
        with pytest.raises(Forbidden, match=f"system:serviceaccount:{namespace}:bot"):
            await account.get(CONFIG_MAP, "a", namespace=namespace)
    finally:
        await account.close()


async def test_a_token_from_a_file_may_end_with_a_newline(
    hub: Cluster, client: Client, tmp_path: Path
) -> None:
    token = yaml.safe_load(hub.kubeconfig.read_text())["users"][0]["user"]["token"]
    (tmp_path / "token").write_text(f"{token}\n")
    user = {"tokenFile": str(tmp_path / "token")}
    connected = await Client.connect(variant(hub, tmp_path / "config", user=user))
    try:
        assert (await connected.get(NAMESPACE, "argo")).metadata.name == "argo"
    finally:
        await connected.close()


async def test_a_wrong_token_is_unauthorized(hub: Cluster, tmp_path: Path) -> None:
    stranger = await Client.connect(variant(hub, tmp_path / "config", user={"token": "wrong"}))
    try:
        with pytest.raises(Unauthorized):
            await stranger.get(NAMESPACE, "argo")
    finally:
        await stranger.close()


async def test_a_server_that_does_not_listen_is_unavailable_at_once(hub: Cluster, tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can take the port
        server = f"https://127.0.0.1:{bound.getsockname()[1]}"
        unreachable = await Client.connect(variant(hub, tmp_path / "config", server=server))
        started = time.monotonic()
        try:
            with pytest.raises(Unavailable) as caught:
                await unreachable.get(NAMESPACE, "argo")
        finally:
            await unreachable.close()
    assert time.monotonic() - started < 5
    assert caught.value.status == 0


async def test_a_server_whose_certificate_bears_another_address_is_unavailable(
    hub: Cluster, tmp_path: Path
) -> None:
    proxy = TcpProxy(*target_of(hub.kubeconfig))
    port = await proxy.start("127.0.0.2")
    impostor = await Client.connect(through(hub.kubeconfig, port, tmp_path / "config", host="127.0.0.2"))
    try:
        with pytest.raises(Unavailable, match="certificate"):
            await impostor.get(NAMESPACE, "argo")
    finally:
        await impostor.close()
        await proxy.stop()


async def test_a_request_that_is_given_up_leaves_the_client_usable(client: Client) -> None:
    waiting = asyncio.create_task(client.get(NAMESPACE, "argo"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await client.get(NAMESPACE, "argo")).metadata.name == "argo"


def _without(part: str) -> Callable[[dict[str, Any]], Any]:
    return lambda config: {key: value for key, value in config.items() if key != part}


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    def change(config: dict[str, Any]) -> Any:
        section, field = path.split(".")
        inner = config[section][0][section.removesuffix("s")]
        inner[field] = value
        return config

    return change


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda _: "not: [yaml", id="no YAML"),
        pytest.param(lambda _: "[]", id="a list"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(_without("clusters"), id="no clusters"),
        pytest.param(_without("contexts"), id="no contexts"),
        pytest.param(_set("contexts.cluster", "other"), id="an unknown cluster"),
        pytest.param(_set("clusters.certificate-authority-data", "no base64!"), id="a CA that is no base64"),
        pytest.param(
            _set("clusters.certificate-authority-data", base64.b64encode(b"no PEM").decode()),
            id="a CA that is no certificate",
        ),
        pytest.param(_set("clusters.server", None), id="no server"),
    ],
)
async def test_an_unusable_kubeconfig_is_named(
    hub: Cluster, tmp_path: Path, broken: Callable[[dict[str, Any]], Any]
) -> None:
    changed = broken(yaml.safe_load(hub.kubeconfig.read_text()))
    path = tmp_path / "broken.kubeconfig"
    path.write_text(changed if isinstance(changed, str) else yaml.safe_dump(changed))
    with pytest.raises(ConfigError, match=r"broken\.kubeconfig"):
        await (await Client.connect(path)).close()


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.kubeconfig"):
        await Client.connect(tmp_path / "nowhere.kubeconfig")


async def test_a_context_that_is_not_in_the_kubeconfig_is_named(hub: Cluster) -> None:
    with pytest.raises(ConfigError, match="elsewhere"):
        await Client.connect(hub.kubeconfig, "elsewhere")

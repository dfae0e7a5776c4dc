"""A cluster's keys: a client that trusts the CA accepts the server; secrets are private."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from hack.fleet import certs, kubeconfig


def handshake(pki: certs.Pki, name: str) -> str | None:
    """Connect to a server with the serving certificate; what the client has against it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.serving, pki.serving_key)
    client = ssl.create_default_context(cafile=pki.ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(right, server_side=True).close()
        except OSError:
            right.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(left, server_hostname=name).close()
    except ssl.SSLCertVerificationError as error:
        left.close()
        return error.verify_message
    finally:
        thread.join(10)
    return None


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "kubernetes.default.svc", "node-a"])
def test_clients_accept_the_serving_certificate(tmp_path: Path, name: str) -> None:
    pki = certs.create(tmp_path, "c1", hosts=("127.0.0.1", "node-a"))
    assert handshake(pki, name) is None


def test_another_name_is_refused(tmp_path: Path) -> None:
    assert "match" in (handshake(certs.create(tmp_path, "c1"), "elsewhere") or "")


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    pki = certs.create(tmp_path, "c1")
    for path in (pki.ca_key, pki.serving_key, pki.service_account_key, pki.tokens):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_tokens_differ_and_are_the_administrators(tmp_path: Path) -> None:
    one, two = certs.create(tmp_path / "1", "c1"), certs.create(tmp_path / "2", "c2")
    assert one.admin_token() != two.admin_token()
    assert one.tokens.read_text() == f'{one.admin_token()},argosy-admin,argosy-admin,"system:masters"\n'


def test_a_kubeconfig_stands_alone_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "c1.kubeconfig"
    kubeconfig.write(path, kubeconfig.content("c1", "https://127.0.0.1:1", b"CA", "secret"))
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "current-context: c1" in text
    assert "certificate-authority-data: Q0E=" in text
    assert [found.name for found in tmp_path.iterdir()] == ["c1.kubeconfig"]

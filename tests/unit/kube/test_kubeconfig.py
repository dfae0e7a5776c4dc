"""Kubeconfigs as text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from controllers.kube.client import Client
from controllers.kube.kubeconfig import KubeconfigError, account_of, cluster_of, kubeconfig, parse
from controllers.kube.private_file import write_private

CLUSTER = {"server": "https://hub:6443"}


def test_what_was_made_is_read_again() -> None:
    text = yaml.safe_dump(kubeconfig(CLUSTER, {"token": "t"}, user="me", namespace="c1"))
    found = parse(text)
    assert cluster_of(found) == CLUSTER
    assert account_of(found) == {"token": "t"}


def test_files_that_it_names_are_in_it_then(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("A")
    (tmp_path / "me.crt").write_text("B")
    absolute = tmp_path / "me.key"
    absolute.write_text("C")
    user = {"client-certificate": "me.crt", "client-key": str(absolute)}
    text = yaml.safe_dump(kubeconfig({**CLUSTER, "certificate-authority": "ca.crt"}, user, user="me"))
    found = parse(text, tmp_path)
    assert cluster_of(found) == {**CLUSTER, "certificate-authority-data": "QQ=="}
    assert account_of(found) == {"client-certificate-data": "Qg==", "client-key-data": "Qw=="}
    with pytest.raises(FileNotFoundError):
        parse(text, tmp_path / "elsewhere")


@pytest.mark.parametrize("server", ["https://hub:6443", "https://hub:6443/", "https://hub/a/b/"])
async def test_a_client_knows_how_its_server_is_spelled(tmp_path: Path, server: str) -> None:
    made = kubeconfig({"server": server}, {"token": "t"}, user="me")
    other = {"name": "other", "context": {"cluster": "elsewhere", "user": "me"}}
    made["contexts"].append(other)
    made["clusters"].append({"name": "elsewhere", "cluster": {"server": "https://elsewhere/"}})
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(made))
    for given in (made, file, str(file)):
        for context, expected in ((None, server), ("other", "https://elsewhere/")):
            client = await Client.connect(given, context)
            assert (client.server, client.host) == (expected, expected.rstrip("/"))
            await client.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not YAML"),
        ("[]", "not a kubeconfig"),
        ("{}", "its contexts has no None"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: b}}]}", "its clusters has no 'b'"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: b}}], clusters: [{name: b, cluster: {}}]}",
            "names no server",
        ),
    ],
)
def test_what_is_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(KubeconfigError, match=why):
        cluster_of(parse(text))


def test_a_private_file_is_its_owners_alone_and_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    for content in (b"first", b"second"):
        write_private(path, content)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["file"]

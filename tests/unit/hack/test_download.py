"""Downloads: only what is whole and has the published checksum; every failure soon, and with its reason."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.fleet.cancel import Cancellation
from hack.fleet.download import Asset, Downloader, NotDownloaded, asset
from hack.fleet.errors import Cancelled
from hack.fleet.versions import BINARIES
from tests.unit.hack.releases import Releases, path, serving

GITHUB = "https://github.com"
PUBLISHED = ["kube-apiserver", "etcd", "kwok", "argo", "helm"]


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    with serving() as server:
        monkeypatch.setenv("ARGOSY_DOWNLOAD_BASE", server.base)
        yield server


def published(name: str) -> Asset:
    found = asset(BINARIES[name], "linux", "amd64")
    assert found is not None
    return found


def download(name: str, target: Path, downloader: Downloader | None = None) -> list[str]:
    notes: list[str] = []
    (downloader or Downloader(Cancellation())).binary(published(name), target, notes.append)
    return notes


@pytest.mark.parametrize(
    ("name", "system", "architecture", "url"),
    [
        ("kube-apiserver", "linux", "amd64", "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kube-apiserver"),
        ("kube-apiserver", "darwin", "arm64", None),
        ("kubectl", "darwin", "arm64", "https://dl.k8s.io/release/v1.36.3/bin/darwin/arm64/kubectl"),
        ("etcd", "linux", "arm64", f"{GITHUB}/etcd-io/etcd/releases/download/v3.7.3/etcd-v3.7.3-linux-arm64.tar.gz"),
        ("etcd", "darwin", "arm64", None),
        ("kwok", "linux", "amd64", f"{GITHUB}/kubernetes-sigs/kwok/releases/download/v0.8.0/kwok-linux-amd64"),
        ("argo", "linux", "amd64", f"{GITHUB}/argoproj/argo-workflows/releases/download/v4.0.2/argo-linux-amd64.gz"),
        ("workflow-controller", "linux", "amd64", None),
        ("helm", "darwin", "arm64", "https://get.helm.sh/helm-v3.22.0-darwin-arm64.tar.gz"),
    ],
)  # fmt: skip
def test_where_it_is_published(name: str, system: str, architecture: str, url: str | None) -> None:
    found = asset(BINARIES[name], system, architecture)
    assert (found.url if found else None) == url


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_good_release_becomes_an_executable(name: str, releases: Releases, tmp_path: Path) -> None:
    releases.publish(published(name), b"#!/bin/sh\necho it works\n")
    target = tmp_path / name
    notes = download(name, target)
    assert target.read_bytes() == b"#!/bin/sh\necho it works\n"
    assert os.access(target, os.X_OK)
    assert [found.name for found in tmp_path.iterdir()] == [name]
    assert notes[-1].endswith("MB")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_wrong_checksum_is_refused(name: str, releases: Releases, tmp_path: Path) -> None:
    releases.publish(published(name), b"evil", digest="a" * 64)
    with pytest.raises(NotDownloaded, match=f"should be {'a' * 64}"):
        download(name, tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kube-apiserver", b""),
        ("kube-apiserver", b"<html>sign in to the hotel's network</html>"),
        ("etcd", b"0000  another-file.tar.gz\n"),
        ("kwok", b'{"assets": [{"name": "kwok-linux-amd64", "digest": null}]}'),
        ("kwok", b'{"assets": []}'),
        ("kwok", b"not json"),
        ("kwok", b'{"message": "API rate limit exceeded"}'),
    ],
)
def test_without_a_checksum_it_is_not_used(
    name: str, text: bytes, releases: Releases, tmp_path: Path
) -> None:
    releases.publish(published(name), b"unknown")
    releases.files[path(published(name).digest_url)] = text
    with pytest.raises(NotDownloaded, match=r"no checksum for|not a description of a release"):
        download(name, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_said(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(NotDownloaded, match=r"SHA256SUMS: 404"):
        download("etcd", tmp_path / "etcd")


def test_a_broken_off_transfer_is_refused(releases: Releases, tmp_path: Path) -> None:
    releases.publish(published("kube-apiserver"), b"x" * 100_000)
    releases.truncate = True
    with pytest.raises(NotDownloaded):
        download("kube-apiserver", tmp_path / "kube-apiserver")
    assert not (tmp_path / "kube-apiserver").exists()


def test_an_archive_without_the_binary_is_refused(releases: Releases, tmp_path: Path) -> None:
    wanted = published("etcd")
    releases.publish(Asset(wanted.url, wanted.digest_url, "sums", member="etcd/README"), b"text")
    with pytest.raises(NotDownloaded, match="cannot be unpacked"):
        download("etcd", tmp_path / "etcd")


def test_a_refused_connection_is_noticed_at_once_and_only_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("ARGOSY_DOWNLOAD_BASE", f"http://127.0.0.1:{port}")
    downloader = Downloader(Cancellation())
    begin = time.monotonic()
    for name in ("etcd", "argo"):
        with pytest.raises(NotDownloaded, match=r"github\.com cannot be reached: .*refused"):
            download(name, tmp_path / name, downloader)
    assert time.monotonic() - begin < 5


def test_a_host_that_failed_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It would cost the time-out once more for every binary."""
    downloader = Downloader(Cancellation())
    monkeypatch.setenv("ARGOSY_DOWNLOAD_BASE", "")
    with serving() as server:
        monkeypatch.setattr(downloader, "_base", server.base.replace("127.0.0.1", "host.invalid"))
        with pytest.raises(NotDownloaded, match="cannot be reached"):
            download("etcd", tmp_path / "etcd", downloader)
        monkeypatch.setattr(downloader, "_base", server.base)
        with pytest.raises(NotDownloaded, match="cannot be reached"):
            download("argo", tmp_path / "argo", downloader)
        assert server.asked == []


def test_a_download_can_be_interrupted(releases: Releases, tmp_path: Path) -> None:
    releases.publish(published("kube-apiserver"), b"x" * 100)
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        download("kube-apiserver", tmp_path / "kube-apiserver", Downloader(cancellation))

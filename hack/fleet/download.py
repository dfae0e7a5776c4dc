"""Getting binaries from their projects' official releases, verified by the checksums published there.

A release without a published checksum is not used. Every failure is a `NotDownloaded` with its reason, never
more: there is another way to get each binary. A host that does not answer is asked only once.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import urllib.response
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from hack.fleet.cancel import Cancellation
from hack.fleet.errors import FleetError
from hack.fleet.versions import ARGO, ETCD, HELM, KUBERNETES, KWOK, Binary

# Seconds to wait for a connection, and for each next piece of an answer.
_TIMEOUT = 5
_CHUNK = 1024 * 1024
# What a connection that is refused, times out or breaks off raises.
_BROKEN = (OSError, http.client.HTTPException)
_GITHUB = "https://github.com"


class NotDownloaded(FleetError):
    """A file could not be had from its official place; the message says why."""


@dataclass(frozen=True)
class Asset:
    """A published file. `digest` is where its SHA-256 is found and in which form:

    plain   a file with the sum alone
    sums    a file with lines `<sum>  <file name>`
    github  GitHub's description of the release, which has a digest per asset
    """

    url: str
    digest_url: str
    digest: Literal["plain", "sums", "github"]
    member: str = ""
    """The binary's path inside a tar archive; "" if the file is the binary itself (or its gzip)."""

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[1]


def asset(binary: Binary, system: str, architecture: str) -> Asset | None:
    """Where the project publishes this binary for this kind of machine; None if it does not."""
    platform = f"{system}-{architecture}"
    if binary.module == KUBERNETES and (system == "linux" or binary.name == "kubectl"):
        url = f"https://dl.k8s.io/release/{binary.version}/bin/{system}/{architecture}/{binary.name}"
        return Asset(url, f"{url}.sha256", "plain")
    if binary.module == ETCD and system == "linux":
        base = f"{_GITHUB}/etcd-io/etcd/releases/download/{binary.version}"
        stem = f"etcd-{binary.version}-{platform}"
        return Asset(f"{base}/{stem}.tar.gz", f"{base}/SHA256SUMS", "sums", member=f"{stem}/etcd")
    if binary.module == KWOK:
        project = "kubernetes-sigs/kwok"
        return Asset(
            f"{_GITHUB}/{project}/releases/download/{binary.version}/kwok-{platform}",
            f"https://api.github.com/repos/{project}/releases/tags/{binary.version}",
            "github",
        )
    if binary.module == ARGO and binary.name == "argo":
        base = f"{_GITHUB}/argoproj/argo-workflows/releases/download/{binary.version}"
        return Asset(f"{base}/argo-{platform}.gz", f"{base}/argo-workflows-cli-checksums.txt", "sums")
    if binary.module == HELM and system in ("linux", "darwin"):
        url = f"https://get.helm.sh/helm-{binary.version}-{platform}.tar.gz"
        return Asset(url, f"{url}.sha256sum", "sums", member=f"{platform}/helm")
    # Argo publishes its controller as an image only; etcd's archives for macOS are zip files.
    return None


class Downloader:
    """Downloads files, and remembers which hosts can't be reached from here.

    ARGOSY_DOWNLOAD_BASE=<base> sends every request for https://<host>/<path> to <base>/<host>/<path>.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._base = os.environ.get("ARGOSY_DOWNLOAD_BASE", "").rstrip("/")
        self._unreachable: dict[str, str] = {}

    def binary(self, wanted: Asset, target: Path, note: Callable[[str], None]) -> None:
        """Write the verified, unpacked, executable binary to `target`."""
        expected = _find_digest(wanted, self.text(wanted.digest_url))
        archive = target.with_name(f"{target.name}.download")
        actual = self._fetch(wanted.url, archive, note)
        if actual != expected:
            raise NotDownloaded(f"{wanted.url}: checksum is {actual}, should be {expected}")
        try:
            _unpack(archive, target, wanted)
        except (OSError, tarfile.TarError, KeyError) as error:
            raise NotDownloaded(f"{wanted.url}: cannot be unpacked: {error}") from error
        target.chmod(0o755)
        archive.unlink(missing_ok=True)

    def text(self, url: str) -> str:
        with self._open(url) as response:
            try:
                return str(response.read(4 * _CHUNK).decode())
            except (*_BROKEN, ValueError) as error:
                raise NotDownloaded(f"{url}: {error}") from error

    def _fetch(self, url: str, target: Path, note: Callable[[str], None]) -> str:
        """Store the file; returns its SHA-256."""
        digest, done = hashlib.sha256(), 0
        with self._open(url) as response, target.open("wb") as file:
            size = int(response.headers.get("Content-Length") or 0)
            while True:
                self._cancellation.check()
                try:
                    chunk = response.read(_CHUNK)
                except _BROKEN as error:
                    raise NotDownloaded(f"{url}: broke off after {done} bytes: {error}") from error
                if not chunk:
                    return digest.hexdigest()
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                note(f"{done / 1e6:.0f} of {size / 1e6:.0f} MB" if size else f"{done / 1e6:.0f} MB")

    def _open(self, url: str) -> urllib.response.addinfourl:
        parts = urlsplit(url)
        if parts.netloc in self._unreachable:
            raise NotDownloaded(self._unreachable[parts.netloc])
        actual = f"{self._base}/{parts.netloc}{parts.path}" if self._base else url
        request = urllib.request.Request(actual, headers={"User-Agent": "argosy-fleet"})
        try:
            response: urllib.response.addinfourl = urllib.request.urlopen(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            raise NotDownloaded(f"{url}: {error.code} {error.reason}") from error
        except _BROKEN as error:
            reason = getattr(error, "reason", error)
            self._unreachable[parts.netloc] = f"{parts.netloc} cannot be reached: {reason}"
            raise NotDownloaded(self._unreachable[parts.netloc]) from error
        return response


def _find_digest(wanted: Asset, text: str) -> str:
    """The SHA-256 of an asset in what its project publishes about it, in lower case."""
    found = ""
    if wanted.digest == "plain":
        found = text.split()[0] if text.split() else ""
    elif wanted.digest == "sums":
        sums = {parts[-1].lstrip("*"): parts[0] for line in text.splitlines() if (parts := line.split())}
        found = sums.get(wanted.name, "")
    else:
        try:
            digests = {entry["name"]: entry.get("digest") or "" for entry in json.loads(text)["assets"]}
        except (ValueError, KeyError, TypeError) as error:
            raise NotDownloaded(f"{wanted.digest_url}: not a description of a release") from error
        found = digests.get(wanted.name, "").removeprefix("sha256:")
    if len(found) != 64:
        raise NotDownloaded(f"{wanted.digest_url}: no checksum for {wanted.name}")
    return found.lower()


def _unpack(archive: Path, target: Path, wanted: Asset) -> None:
    if wanted.member:
        with tarfile.open(archive) as tar:
            content = tar.extractfile(wanted.member)
            if content is None:
                raise KeyError(wanted.member)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
    elif wanted.name.endswith(".gz"):
        with gzip.open(archive) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
    else:
        archive.replace(target)

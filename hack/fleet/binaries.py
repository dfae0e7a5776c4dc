"""Finding every binary a fleet needs, by whatever way works first.

In this order: KUBEBUILDER_ASSETS or PATH (the pinned version only), the cache, the official release, a build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from hack.fleet import cache
from hack.fleet.build import build
from hack.fleet.cancel import Cancellation
from hack.fleet.download import Downloader, NotDownloaded, asset
from hack.fleet.errors import BinaryUnavailable
from hack.fleet.progress import Progress, Step
from hack.fleet.versions import BINARIES, Binary


class Binaries:
    """Finds binaries; what has to be downloaded or built is shown in `progress`."""

    def __init__(self, progress: Progress, cancellation: Cancellation) -> None:
        self._progress = progress
        self._cancellation = cancellation
        self._downloader = Downloader(cancellation)

    def ensure(self, names: Iterable[str]) -> dict[str, Path]:
        """Paths of all of them, by name. BinaryUnavailable or PartFailed for the first that can't be had.

        Modules are worked on two at a time: one links or loads while the other compiles. The binaries of one
        module follow each other, since each reuses what the one before compiled.
        """
        wanted = sorted({BINARIES[name] for name in names}, key=lambda binary: binary.module.folder)
        by_module = [list(group) for _, group in groupby(wanted, key=lambda binary: binary.module)]
        # The longest first, or it would be alone at the end.
        by_module.sort(key=lambda group: -sum(binary.build_seconds for binary in group))
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(self._group, group) for group in by_module]
            try:
                return {name: path for future in futures for name, path in future.result().items()}
            except BaseException:
                self._cancellation.cancel()
                raise

    def _group(self, binaries: list[Binary]) -> dict[str, Path]:
        binaries = sorted(binaries, key=lambda binary: -binary.build_seconds)
        return {binary.name: self._find(binary) for binary in binaries}

    def _find(self, binary: Binary) -> Path:
        self._cancellation.check()
        cached = cache.binary_path(binary)
        found = installed(binary) or (cached if cached.exists() else None)
        return found or self._make(binary, cached)

    def _make(self, binary: Binary, target: Path) -> Path:
        title = f"getting {binary.name} {binary.version}"
        with self._progress.step(title, usually=binary.build_seconds) as step:
            return cache.fill(
                target,
                lambda path: self._download_or_build(binary, path, step),
                self._cancellation,
                waits=lambda: step.note("another command is making it"),
            )

    def _download_or_build(self, binary: Binary, target: Path, step: Step) -> None:
        why = f"no release of it for {cache.system()}-{cache.architecture()}"
        published = asset(binary, cache.system(), cache.architecture())
        if published:
            try:
                step.note("downloading")
                self._downloader.binary(published, target, lambda text: step.note(f"downloading {text}"))
            except NotDownloaded as error:
                why = str(error)
            else:
                return
        step.note("building")
        try:
            build(binary, target, cache.log_path(binary), self._cancellation)
        except BinaryUnavailable as error:
            raise BinaryUnavailable(f"{error}\n  (not downloaded: {why})") from error


def installed(binary: Binary) -> Path | None:
    """The binary in KUBEBUILDER_ASSETS or on PATH, if it is of the pinned version."""
    places = [os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")]
    for place in filter(None, places):
        found = shutil.which(binary.name, path=place)
        if found and binary.is_version(_version_output(found, binary)):
            return Path(found).absolute()
    return None


def _version_output(program: str, binary: Binary) -> str:
    try:
        done = subprocess.run(
            [program, *binary.version_args],
            capture_output=True,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode(errors="replace")

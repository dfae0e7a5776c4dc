"""The cache of binaries and manifests under the user's cache directory, shared by all checkouts.

A file in the cache is whole and right: it is written beside its place and moved there, by one process at a
time. Nothing is ever changed or removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from hack.fleet.cancel import Cancellation
from hack.fleet.versions import Binary

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def system() -> str:
    """This machine's operating system, as Go and release archives name it."""
    return sys.platform


def architecture() -> str:
    """This machine's processor, as Go and release archives name it."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


def root() -> Path:
    """ARGOSY_CACHE, else `argosy` in the user's cache directory (XDG_CACHE_HOME where it is set)."""
    if override := os.environ.get("ARGOSY_CACHE"):
        return Path(override).expanduser().absolute()
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg).expanduser().absolute() / "argosy"
    home = Path.home()
    return (home / "Library" / "Caches" if system() == "darwin" else home / ".cache") / "argosy"


def binary_path(binary: Binary) -> Path:
    """Where a binary is or will be: bin/<os>-<arch>/<name>-<version>."""
    return root() / "bin" / f"{system()}-{architecture()}" / f"{binary.name}-{binary.version}"


def log_path(binary: Binary) -> Path:
    return root() / "logs" / f"build-{binary.name}-{binary.version}.log"


def fill(
    target: Path, make: Callable[[Path], None], cancellation: Cancellation, waits: Callable[[], None]
) -> Path:
    """Have `make` write the file, unless it is there or another process is making it (`waits` is told).

    `make` gets a path beside the target; what it leaves there becomes the target if it returns.
    """
    with _lock(target, cancellation, waits):
        if target.exists():
            return target
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as directory:
            made = Path(directory) / target.name
            make(made)
            made.replace(target)
    return target


@contextlib.contextmanager
def _lock(target: Path, cancellation: Cancellation, waits: Callable[[], None]) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    waits()
                    told = True
                cancellation.pause(0.2)
        yield

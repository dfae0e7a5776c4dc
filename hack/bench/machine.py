"""What a result was measured on, and what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Protocol

import psutil

from hack.bench.results import Machine
from hack.fleet.layout import REPOSITORY
from hack.fleet.versions import ETCD, KUBERNETES

_LIBRARIES = ("kubernetes-asyncio", "aiohttp", "msgspec")


class Measured(Protocol):
    """What a result has of it, whatever its figures are."""

    @property
    def date(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def machine(self) -> Machine: ...

    @property
    def versions(self) -> Mapping[str, str]: ...


def describe() -> Machine:
    """This machine."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
    )


def versions() -> dict[str, str]:
    """Of all that the figures depend on."""
    return {
        "python": platform.python_version(),
        "kubernetes": KUBERNETES.version,
        "etcd": ETCD.version,
        **{name: metadata.version(name) for name in _LIBRARIES},
    }


def revision() -> str:
    """The commit, with "-dirty" if there are changes that it does not have; "" outside of a checkout."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def measured(result: Measured) -> str:
    """All of it in a sentence, for a page."""
    machine = result.machine
    of = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return (
        f"Measured {result.date} at revision {result.revision or 'unknown'} on {machine.cores} cores "
        f"({machine.processor}), {machine.memory:g} GiB, {machine.system}; {of}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")

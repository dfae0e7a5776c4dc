"""The image that every cluster's container is made from: static programs, and nothing under them.

Its tag is a digest of what is in it, so it is built once and never out of date. Nothing is pulled.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import docker.errors

from hack.fleet import cache
from hack.fleet.binaries import Binaries
from hack.fleet.build import build
from hack.fleet.cancel import Cancellation
from hack.fleet.containers_engine import Engine
from hack.fleet.containers_plan import BIN, BINARIES, SETTINGS
from hack.fleet.errors import FleetError
from hack.fleet.progress import Progress
from hack.fleet.versions import BUILD_DIR, Binary, Module

REPOSITORY = "argosy-fleet"
LABEL = "io.argosy.fleet.image"
_SUPERVISOR = "supervisor"
# The supervisor's settings are put in place before a container starts.
_DOCKERFILE = f"""\
FROM scratch
COPY bin {BIN}
ENTRYPOINT ["{BIN / _SUPERVISOR}", "{SETTINGS}"]
"""


def ensure(engine: Engine, progress: Progress, cancellation: Cancellation) -> str:
    """The name of the image, built now if it is not there. FleetError if a program can't be had or built."""
    programs = Binaries(progress, cancellation).ensure(BINARIES)
    programs[_SUPERVISOR] = supervisor(progress, cancellation)
    name = f"{REPOSITORY}:{digest(programs)}"
    try:
        engine.client.images.get(name)
    except docker.errors.ImageNotFound:
        with progress.step(f"building the image {name}", usually=15):
            _build(engine, name, programs)
    return name


def supervisor(progress: Progress, cancellation: Cancellation) -> Path:
    """The supervisor's binary, built from its sources here unless the cache has it."""
    binary = supervisor_binary(BUILD_DIR / _SUPERVISOR)
    target = cache.binary_path(binary)
    if target.exists():
        return target
    with progress.step("building the containers' supervisor", usually=binary.build_seconds) as step:
        return cache.fill(
            target,
            lambda path: build(binary, path, cache.log_path(binary), cancellation),
            cancellation,
            waits=lambda: step.note("another command is at it"),
        )


def supervisor_binary(sources: Path) -> Binary:
    """The supervisor as a thing to build. Its version is a digest of its sources."""
    content = hashlib.sha256()
    for path in sorted([*sources.glob("*.go"), sources / "go.mod"]):
        content.update(path.name.encode() + b"\0" + path.read_bytes())
    module = Module(_SUPERVISOR, "argosy.example/build/supervisor", content.hexdigest()[:12])
    return Binary(_SUPERVISOR, module, ".", build_seconds=20)


def digest(programs: Mapping[str, Path]) -> str:
    """What the image's content amounts to, in twelve hexadecimal digits."""
    content = hashlib.sha256(_DOCKERFILE.encode())
    for name, path in sorted(programs.items()):
        with path.open("rb") as file:
            content.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return content.hexdigest()[:12]


def _build(engine: Engine, name: str, programs: Mapping[str, Path]) -> None:
    # On disk, not in memory: the programs are half a gigabyte.
    with tempfile.TemporaryFile() as context:
        write_context(context, programs)
        context.seek(0)
        try:
            engine.client.images.build(
                fileobj=context,
                custom_context=True,
                tag=name,
                rm=True,
                forcerm=True,
                labels={LABEL: "true"},
            )
        except (docker.errors.BuildError, docker.errors.APIError) as error:
            raise FleetError(f"the Docker engine could not build {name}: {error}") from error


def write_context(target: IO[bytes], programs: Mapping[str, Path]) -> None:
    """A build context as a tar: the Dockerfile, and the programs in bin."""
    with tarfile.open(fileobj=target, mode="w") as tar:
        dockerfile = tarfile.TarInfo("Dockerfile")
        dockerfile.size = len(_DOCKERFILE.encode())
        tar.addfile(dockerfile, io.BytesIO(_DOCKERFILE.encode()))
        for name, path in sorted(programs.items()):
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.size, entry.mode = path.stat().st_size, 0o755
            with path.open("rb") as file:
                tar.addfile(entry, file)

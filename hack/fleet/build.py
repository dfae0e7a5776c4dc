"""Building a binary from the Go module proxy with `go build`, by the go.mod files in hack/build."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from hack.fleet.cancel import Cancellation
from hack.fleet.errors import BinaryUnavailable, PartFailed
from hack.fleet.versions import Binary, Module

_USUAL_GO = Path("/usr/local/go/bin/go")


def find_go() -> str | None:
    """The go command: on PATH, or where the official archive puts it."""
    return shutil.which("go") or (str(_USUAL_GO) if _USUAL_GO.exists() else None)


def build(binary: Binary, target: Path, log: Path, cancellation: Cancellation) -> None:
    """Build `binary` into `target`; the compiler's output goes to `log`, which an error names."""
    go = find_go()
    if go is None:
        raise BinaryUnavailable(
            f"{binary.name} has to be built, and there is no `go` here: install Go from https://go.dev/dl, "
            f"or put {binary.name} {binary.version} on PATH"
        )
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    directory = binary.module.directory
    if binary.name == "argo":
        directory = _writable_argo(go, binary.module, target.parent / "source", log, cancellation)
    command = [go, "build", "-trimpath", "-buildvcs=false", f"-ldflags={binary.ldflags}"]
    _run([*command, "-o", str(target), binary.package], directory, log, cancellation, binary.name)


def module_directory(module: Module, log: Path, cancellation: Cancellation) -> Path | None:
    """Where a module's files lie, downloaded and verified by Go if need be; None without Go or network."""
    go = find_go()
    if go is None:
        return None
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        answer = _run(
            [go, "mod", "download", "-json", f"{module.path}@{module.version}"],
            module.directory,
            log,
            cancellation,
            module.path,
        )
    except PartFailed:
        return None
    return Path(json.loads(answer)["Dir"])


def _writable_argo(go: str, module: Module, copy: Path, log: Path, cancellation: Cancellation) -> Path:
    """A copy of Argo's module that its command line builds from.

    A module archive can't hold symbolic links, so signal_linux.go, a link in Argo's repository, is missing;
    and the command line embeds the web interface, of which one file must exist.
    """
    answer = _run(
        [go, "mod", "download", "-json", f"{module.path}@{module.version}"],
        module.directory,
        log,
        cancellation,
        module.path,
    )
    shutil.copytree(json.loads(answer)["Dir"], copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    for source in copy.rglob("signal_darwin.go"):
        missing = source.with_name("signal_linux.go")
        if not missing.exists():
            shutil.copyfile(source, missing)
    interface = copy / "ui" / "dist" / "app"
    interface.mkdir(parents=True, exist_ok=True)
    (interface / "index.html").touch()
    return copy


def _run(command: list[str], directory: Path, log: Path, cancellation: Cancellation, title: str) -> bytes:
    """Run go to its end and return its standard output; PartFailed naming the log if it fails."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    with log.open("ab") as errors:
        errors.write(f"$ cd {directory} && {' '.join(command)}\n".encode())
        errors.flush()
        child = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            # A group of its own, so that the compilers that go starts are stopped with it.
            start_new_session=True,
        )
    try:
        output = _output(child, cancellation)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise
    if child.returncode:
        raise PartFailed(f"building {title}", f"ended with status {child.returncode}", log)
    return output


def _output(child: subprocess.Popen[bytes], cancellation: Cancellation) -> bytes:
    while True:
        try:
            return child.communicate(timeout=0.2)[0]
        except subprocess.TimeoutExpired:
            cancellation.check()

"""Argosy's own processes under test: started, killed and started again as an operating system would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.eventually import eventually

ROOT = Path(__file__).parent.parent


class Process:
    """One `python -m ...` with its log file. `start` waits until the process says that it is ready."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self, *, ready: str = '"event":"started"', within: float = 60.0) -> None:
        """Starts it and waits for the log line `ready`. AssertionError with the log's end if it does not come."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment.pop("KUBECONFIG", None)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [sys.executable, "-m", *self._arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environment,
            )

        def is_ready() -> bool:
            text = self.log.read_text(errors="replace")[offset:]
            assert self.running, f"{self.name} ended:\n{text[-2000:]}"
            assert ready in text, f"{self.name} is not ready, see {self.log}:\n{text[-2000:]}"
            return True

        await eventually(is_ready, within=within, what=f"{self.name} ready")

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        return self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.name} did not end on {number.name}, see {self.log}") from None


def controllers(kubeconfig: Path, log_dir: Path, *arguments: str) -> Process:
    """The hub's controllers, without leader election unless asked for: tests start them one at a time."""
    common = ["--listen", "none", "--log-format", "json", "--log-level", "debug"]
    command = [
        "controllers",
        "run",
        "--kubeconfig",
        str(kubeconfig),
        *common,
        "--no-leader-elect",
        *arguments,
    ]
    return Process("controllers", command, log_dir / "controllers.log")


def registration(kubeconfig: Path, log_dir: Path, *arguments: str) -> Process:
    """What lets clusters in, as a process of its own; for controllers with --registration=off."""
    common = ["--listen", "none", "--log-format", "json", "--log-level", "debug", "--no-leader-elect"]
    command = ["registration", "run", "--kubeconfig", str(kubeconfig), *common, *arguments]
    return Process("registration", command, log_dir / "registration.log")


def agent(cluster: str, hub: Path, managed: Path, log_dir: Path, *arguments: str) -> Process:
    """The agent of one cluster; `hub` is the kubeconfig that `join` wrote."""
    common = ["--listen", "none", "--log-format", "json", "--log-level", "debug", "--no-leader-elect"]
    command = [
        "agent",
        "run",
        "--cluster",
        cluster,
        "--hub-kubeconfig",
        str(hub),
        "--kubeconfig",
        str(managed),
    ]
    return Process(f"agent of {cluster}", [*command, *common, *arguments], log_dir / f"{cluster}-agent.log")

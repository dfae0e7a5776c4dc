"""The running processes of one fleet: started, watched until ready, remembered in state.json, stopped.

Safe to use from several threads: clusters are started in parallel. Once `stop` was called nothing more is
started, and every wait ends with `Cancelled`.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hack.fleet import process, state
from hack.fleet.cancel import Cancellation
from hack.fleet.errors import FleetError, PartFailed
from hack.fleet.layout import Layout
from hack.fleet.state import ClusterState, Part, Process, State


class Supervisor:
    """Owns state.json of one fleet directory while it exists."""

    def __init__(self, layout: Layout, initial: State, cancellation: Cancellation | None = None) -> None:
        self._layout = layout
        self._state = initial
        self._lock = threading.RLock()
        self._cancellation = cancellation or Cancellation()
        self._save()

    @property
    def state(self) -> State:
        with self._lock:
            return self._state

    def find(self, title: str) -> Process:
        """The process of a part by its title (`cluster1/agent`); FleetError if there is none."""
        for running in self.state.processes:
            if running.part.title == title:
                return running
        raise FleetError(f"this fleet has no part {title}")

    def start(self, part: Part) -> Process:
        """Start a part and remember it, in the place of an earlier process of the same part."""
        with self._lock:
            self._cancellation.check()
            started = process.spawn(part)
            kept = [p for p in self._state.processes if p.part.title != part.title]
            self._update(processes=[*kept, started])
        return started

    def launch(self, part: Part) -> Process:
        """Start a part and wait until it is ready."""
        begin = log_size(part)
        started = self.start(part)
        self.wait_ready(started, begin)
        return started

    def wait_ready(self, running: Process, log_begin: int = 0) -> None:
        """Return when the part's probe says so; PartFailed if it ended, or not within its deadline."""
        part = running.part
        ready = _prober(part, log_begin)
        deadline = time.monotonic() + part.deadline
        while not ready():
            if not process.is_alive(running):
                raise PartFailed(part.title, "ended while it started", Path(part.log))
            if time.monotonic() > deadline:
                raise PartFailed(part.title, f"is not ready after {part.deadline:.0f} s", Path(part.log))
            self._cancellation.pause()

    def run(self, part: Part) -> None:
        """Run a part that ends by itself; PartFailed unless it ends with status 0."""
        with Path(part.log).open("ab") as log:
            child = subprocess.Popen(
                part.argv,
                env={**os.environ, **part.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + part.deadline
            while child.poll() is None:
                if time.monotonic() > deadline:
                    raise PartFailed(part.title, f"has not ended after {part.deadline:.0f} s", Path(part.log))
                self._cancellation.pause()
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            raise PartFailed(part.title, f"ended with status {child.returncode}", Path(part.log))

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float, log: Path) -> None:
        """Wait for something that a process brings about; PartFailed naming `what` and its log if not."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise PartFailed(what, f"did not happen within {seconds:.0f} s", log)
            self._cancellation.pause()

    def add_cluster(self, cluster: ClusterState) -> None:
        with self._lock:
            kept = [c for c in self._state.clusters if c.name != cluster.name]
            self._update(clusters=[*kept, cluster])

    def finish(self) -> None:
        """Note that everything is up."""
        with self._lock:
            self._update(complete=True)

    def cancel(self) -> None:
        """Make all waits in other threads end, and let nothing more be started."""
        # Under the lock: a part that is being started just now is remembered before this returns.
        with self._lock:
            self._cancellation.cancel()

    def stop(self) -> None:
        """Stop everything that was started and forget it."""
        self.cancel()
        with self._lock:
            stop_all(self._state.processes)
            self._layout.state.unlink(missing_ok=True)

    def _update(self, **changes: object) -> None:
        self._state = msgspec.structs.replace(self._state, **changes)
        self._save()

    def _save(self) -> None:
        state.save(self._layout.state, self._state)


def stop_all(processes: Sequence[Process]) -> None:
    """Stop everything, in the order in which nothing has to wait for what is gone already.

    Argosy's own processes may finish what they are at and release their leases. The clusters are thrown away
    and get little time: Argo's controller does not end on SIGTERM, and an API server waits for its watchers.
    """
    ours = [p for p in processes if p.part.ours]
    stores = [p for p in processes if p.part.name == "etcd"]
    process.stop(ours, grace=10)
    process.stop([p for p in processes if p not in ours and p not in stores], grace=2)
    process.stop(stores, grace=2)


def log_size(part: Part) -> int:
    """Where the part's next lines will begin in its log."""
    try:
        return Path(part.log).stat().st_size
    except FileNotFoundError:
        return 0


def _prober(part: Part, log_begin: int) -> Callable[[], bool]:
    if part.ready.log_text:
        return lambda: _logged(Path(part.log), part.ready.log_text.encode(), log_begin)
    context = ssl.create_default_context(cafile=part.ready.ca) if part.ready.ca else None
    return lambda: answers(part.ready.url, context)


def _logged(log: Path, text: bytes, begin: int) -> bool:
    with log.open("rb") as file:
        file.seek(begin)
        return text in file.read()


def answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a GET of a local URL answers 200 within two seconds."""
    # Not through a proxy from the environment: it could not reach 127.0.0.1 of this machine.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False

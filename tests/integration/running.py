"""Controllers in this process, as `python -m controllers` would run them, for as long as a block lasts."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable

from controllers import hub_informers
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.aside import SetAside
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from tests.eventually import eventually

Wiring = Callable[[Manager, Client, Informers, Recorder], object]


@contextlib.asynccontextmanager
async def managing(manager: Manager) -> AsyncIterator[asyncio.Task[None]]:
    """Runs a manager as a test made it; whatever state it is in at the block's end, it is cancelled then."""
    task = asyncio.create_task(manager.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.unfreeze()  # one process here runs many managers, each of which froze what it found


@contextlib.asynccontextmanager
async def running(client: Client, *wirings: Wiring, listen: bool = False) -> AsyncIterator[Manager]:
    """Runs these controllers; the block begins once their caches are full, and ends with a graceful stop."""
    recorder = Recorder(client, "argosy")
    manager = Manager(recorder=recorder, listen=("127.0.0.1", 0) if listen else None)

    def regarding(kind: str, item: Object) -> Object:
        return hub_informers.regarding(informers, kind, item)

    informers = Informers(client, manager, aside=SetAside(recorder, regarding))
    for add_to in wirings:
        add_to(manager, client, informers, recorder)
    async with managing(manager) as task:

        def ready() -> bool:
            return task.done() or all(manager.readiness().values())

        await eventually(ready, what="caches filled")
        yield manager
        manager.stop()
        await asyncio.wait_for(task, 30)

"""A simulated executor, in place of Argo: one process per managed cluster.

It says of each Workflow that comes: Running at once, a small change after half the time, Succeeded after all of it.
`python -m hack.bench.executor KUBECONFIG`, until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import time

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.errors import NotFound, TooManyRequests, Unavailable
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from hack.bench.workload import ENDED_AT, RUN_SECONDS, STATUS_BYTES, Json, stages

READY = "executing"
_COPIES = Scope(WORKFLOW, label_selector=f"{keys.ENABLE_LABEL}=false")
# What waits here has no time stamp yet: a slow API server must not pass for a slow report.
_WRITES_IN_FLIGHT = 16


class Executor:
    """Runs each Workflow once, by its uid."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(_WRITES_IN_FLIGHT)
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as runs:
            async for event in watch(self._client, _COPIES):
                match event:
                    case Listed(objects):
                        print(READY, flush=True)
                        candidates = objects
                    case Applied(item):
                        candidates = [item]
                    case _:
                        continue
                for item in candidates:
                    if self._is_new(item):
                        self._seen.add(item.metadata.uid)
                        runs.create_task(self._execute(item))

    def _is_new(self, item: Object) -> bool:
        meta = item.metadata
        return (
            meta.uid not in self._seen
            and STATUS_BYTES in meta.annotations
            and keys.PHASE_LABEL not in meta.labels
            and meta.deletion_timestamp is None
        )

    async def _execute(self, item: Object) -> None:
        asked = item.metadata.annotations
        pause = float(asked[RUN_SECONDS]) / 2
        running, changed, finished = stages(item.metadata.name, int(asked[STATUS_BYTES]))
        try:
            await self._write(item, running)
            await asyncio.sleep(pause)
            await self._write(item, changed)
            await asyncio.sleep(pause)
            await self._write(item, finished, stamp=True)
        except NotFound:
            return  # deleted while it ran

    async def _write(self, item: Object, body: Json, *, stamp: bool = False) -> None:
        meta = item.metadata
        async with self._slots:
            if stamp:
                body["metadata"]["annotations"] = {ENDED_AT: repr(time.monotonic())}
            patch = merge_patch(body)
            while True:
                try:
                    await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
                except (TooManyRequests, Unavailable):
                    await asyncio.sleep(0.1)
                else:
                    return


async def main(kubeconfig: str) -> None:
    client = await Client.connect(kubeconfig)
    try:
        await Executor(client).run()
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

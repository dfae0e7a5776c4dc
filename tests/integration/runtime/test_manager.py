"""A process as a whole: what starts when, what a stop waits for, what ends it."""

from __future__ import annotations

import asyncio

import pytest

from controllers.api.kinds import EVENT
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informer import Informer
from controllers.runtime.leader import LeaderElector
from controllers.runtime.lease import LeaseLock, LeaseTiming
from controllers.runtime.manager import Manager, PartFailed
from controllers.runtime.reconcile import Request, Result
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map
from tests.integration.running import managing
from tests.integration.runtime.informing import config_maps
from tests.integration.tcp_proxy import TcpProxy


class Gate:
    """A reconciler that waits until it is let through, and remembers what it began and what it ended."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []

    async def reconcile(self, request: Request, /) -> Result:
        self.begun.append(request.name)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.name)
            raise
        self.ended.append(request.name)
        return Result.done()


async def create(client: Client, namespace: str, *names: str) -> None:
    for name in names:
        await client.create(CONFIG_MAP, config_map(name, labels={"test": "yes"}), namespace=namespace)


async def test_caches_are_full_before_leadership_and_leadership_before_work(
    client: Client, namespace: str
) -> None:
    await create(client, namespace, "a", "b")
    order: list[str] = []
    informer = Informer(client, config_maps(namespace))

    class Elector(LeaderElector):
        async def acquire(self) -> None:
            order.append(f"lease with {len(informer.store)} in the cache")
            await super().acquire()

    class Reconciler:
        async def reconcile(self, request: Request, /) -> Result:
            order.append(f"work on {request.name}")
            return Result.done()

    async def startup() -> None:
        order.append("startup")

    manager = Manager(elector=Elector(LeaseLock(client, name="lock", namespace=namespace, identity="us")))
    manager.add_informer(informer)
    manager.add_startup("step", startup)
    controller = manager.add_controller(Controller("test-order", Reconciler()))
    controller.watch(informer)
    async with managing(manager):
        await eventually(lambda: len(order) == 4)
    assert order == ["lease with 2 in the cache", "startup", "work on a", "work on b"]


async def test_a_standby_is_ready_and_does_nothing(client: Client, namespace: str) -> None:
    holder = LeaderElector(LeaseLock(client, name="lock", namespace=namespace, identity="holder"))
    await holder.acquire()
    gate = Gate()
    informer = Informer(client, config_maps(namespace))
    timing = LeaseTiming(duration=60, renew_deadline=1, retry=0.2)
    standby = LeaderElector(
        LeaseLock(client, name="lock", namespace=namespace, identity="standby", timing=timing)
    )
    manager = Manager(elector=standby)
    manager.add_controller(Controller("test-standby", gate)).watch(manager.add_informer(informer))
    async with managing(manager) as task:
        await create(client, namespace, "a")
        await eventually(lambda: len(informer.store) == 1)
        assert manager.readiness() == {"cache:configmaps": True}
        assert gate.begun == []
        manager.stop()
        await asyncio.wait_for(task, 10)
    assert gate.begun == []


async def test_a_stop_finishes_what_is_in_flight_and_begins_nothing_new(
    client: Client, namespace: str
) -> None:
    gate = Gate()
    manager = Manager()
    informer = manager.add_informer(Informer(client, config_maps(namespace)))
    manager.add_controller(Controller("test-stop", gate, concurrency=2)).watch(informer)
    async with managing(manager) as task:
        await create(client, namespace, "a", "b", "c")
        await eventually(lambda: len(gate.begun) == 2 and len(informer.store) == 3)
        manager.stop()
        await create(client, namespace, "d")
        await eventually(lambda: len(informer.store) == 4, what="informers live until the work has ended")
        assert not task.done()
        gate.open.set()
        await asyncio.wait_for(task, 10)
    assert gate.ended == gate.begun == ["a", "b"]


async def test_a_stop_cancels_what_does_not_end_in_time(client: Client, namespace: str) -> None:
    """With one slot: it is taken, so the controller waits for it and not for the queue."""
    gate = Gate()
    manager = Manager(grace=0.2)
    informer = manager.add_informer(Informer(client, config_maps(namespace)))
    manager.add_controller(Controller("test-grace", gate, concurrency=1)).watch(informer)
    async with managing(manager) as task:
        await create(client, namespace, "a", "b")
        await eventually(lambda: gate.begun == ["a"])
        manager.stop()
        await asyncio.wait_for(task, 10)
    assert gate.begun == gate.cancelled == ["a"]


async def test_a_lease_lost_during_a_stop_ends_the_work_at_once(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    gate = Gate()
    timing = LeaseTiming(duration=3, renew_deadline=2, retry=0.3)
    elector = LeaderElector(
        LeaseLock(proxied, name="lock", namespace=namespace, identity="us", timing=timing)
    )
    manager = Manager(elector=elector, grace=60)
    informer = manager.add_informer(Informer(client, config_maps(namespace)))
    manager.add_controller(Controller("test-lost", gate)).watch(informer)
    async with managing(manager) as task:
        await create(client, namespace, "a")
        await eventually(lambda: gate.begun == ["a"])
        manager.stop()
        proxy.refuse()
        await asyncio.wait([task], timeout=15)
        assert gate.cancelled == ["a"]


async def test_events_recorded_before_the_stop_are_written(client: Client, namespace: str) -> None:
    found = await client.create(CONFIG_MAP, config_map("a"), namespace=namespace)
    recorder = Recorder(client, "test")
    manager = Manager(recorder=recorder)
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    manager.add_background("work", work)
    async with managing(manager) as task:
        await started.wait()
        for number in range(20):
            recorder.normal(found, "Tested", f"number {number}")
        manager.stop()
        await asyncio.wait_for(task, 20)
    events, _ = await client.list(EVENT, namespace=namespace)
    assert len(events) == 20


async def _ends() -> None:
    return


async def _raises() -> None:
    raise RuntimeError("out of fuel")


@pytest.mark.parametrize(
    ("work", "said"),
    [(_ends, "engine ended: it should run for ever"), (_raises, "engine ended: out of fuel")],
)
async def test_a_part_that_dies_ends_the_process_and_is_named(
    client: Client, namespace: str, work: object, said: str
) -> None:
    gate = Gate()
    gone_wrong = asyncio.Event()

    async def engine() -> None:
        await gone_wrong.wait()
        await work()  # type: ignore[operator]

    manager = Manager()
    informer = manager.add_informer(Informer(client, config_maps(namespace)))
    manager.add_controller(Controller("test-dies", gate)).watch(informer)
    manager.add_background("engine", engine)
    async with managing(manager) as task:
        await create(client, namespace, "a")
        await eventually(lambda: gate.begun == ["a"])
        gone_wrong.set()
        with pytest.raises(PartFailed, match=said):
            await asyncio.wait_for(task, 10)
    assert gate.cancelled == ["a"]


async def test_a_startup_step_that_the_hub_refuses_does_not_keep_the_rest_from_starting(
    client: Client, namespace: str
) -> None:
    async def refused() -> None:
        raise Forbidden("may not", status=403)

    gate = Gate()
    manager = Manager()
    manager.add_startup("step", refused)
    informer = manager.add_informer(Informer(client, config_maps(namespace)))
    manager.add_controller(Controller("test-refused", gate)).watch(informer)
    async with managing(manager):
        await create(client, namespace, "a")
        await eventually(lambda: gate.begun == ["a"])

"""What a Prometheus server finds: the names that users of controller-runtime know, with values that move."""

from __future__ import annotations

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

import placement.wiring
from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.runtime.leader import LeaderElector
from controllers.runtime.lease import LeaseLock
from controllers.runtime.manager import Manager
from controllers.runtime.process import observe
from hack.fleet.provider import Cluster
from tests.eventually import eventually
from tests.integration.bodies import workflow
from tests.integration.running import running

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(manager: Manager) -> Samples:
    assert manager.health is not None
    url = f"http://127.0.0.1:{manager.health.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = text_string_to_metric_families(await answer.text())
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
async def observed(hub: Cluster) -> Client:
    return observe(await Client.connect(hub.kubeconfig))


async def test_queues_reconciles_requests_and_leadership_are_counted(
    observed: Client, namespace: str
) -> None:
    elector = LeaderElector(LeaseLock(observed, name="metrics", namespace=namespace, identity="us"))
    await elector.acquire()
    async with running(observed, placement.wiring.add_to, listen=True) as manager:
        before = await scrape(manager)
        await observed.create(WORKFLOW, workflow("a", placement="none"), namespace=namespace)
        success = ("controller_runtime_reconcile_total", (("controller", "placement"), ("result", "success")))

        async def reconciled() -> Samples | None:
            after = await scrape(manager)
            return after if after.get(success, 0) > before.get(success, 0) else None

        after = await eventually(reconciled)
    await observed.close()

    def grew(series: str, **labels: str) -> bool:
        key = (series, tuple(sorted(labels.items())))
        return after[key] > before.get(key, 0)

    assert grew("workqueue_adds_total", name="placement")
    assert grew("workqueue_queue_duration_seconds_count", name="placement")
    assert grew("workqueue_work_duration_seconds_count", name="placement")
    assert grew("controller_runtime_reconcile_time_seconds_count", controller="placement")
    assert grew("rest_client_requests_total", code="201", method="POST")
    assert after["workqueue_depth", (("name", "placement"),)] == 0
    assert after["controller_runtime_active_workers", (("controller", "placement"),)] == 0
    assert after["controller_runtime_max_concurrent_reconciles", (("controller", "placement"),)] == 16
    assert after["leader_election_master_status", (("name", "metrics"),)] == 1
    assert after["argosy_informer_objects", (("kind", str(WORKFLOW)),)] >= 1
    assert any(name == "workqueue_retries_total" for name, _ in after)
    assert any(name == "process_resident_memory_bytes" for name, _ in after)

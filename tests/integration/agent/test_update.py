"""Strategy Update: what leaves the manifest leaves the object, of any kind; what is somebody else's stays."""

from __future__ import annotations

import base64
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controllers.api.kinds import CRD, NAMESPACE, SECRET, Kind
from controllers.kube.object import Object
from controllers.kube.patch import apply_patch, json_patch, merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.mortal import gated
from tests.integration.agent.works import CONFIG_MAP, DEPLOYMENT, Json, config_map, manifest

SERVICE = Kind("", "v1", "Service", "services")
CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets")
DAEMON_SET = Kind("apps", "v1", "DaemonSet", "daemonsets")
CRON_JOB = Kind("batch", "v1", "CronJob", "cronjobs")
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
SCALER = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
ROLE = Kind("rbac.authorization.k8s.io", "v1", "Role", "roles")
POD = Kind("", "v1", "Pod", "pods")
FREE = Kind("update.argosy.test", "v1", "Free", "frees")

SOMEBODY = "somebody"

GONE: Any = object()


def at(body: Json, path: str) -> Any:
    """What is at `spec/ports/0/port`; GONE if nothing is."""
    found: Any = body
    for step in path.split("/"):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else GONE
        else:
            found = found.get(step, GONE) if isinstance(found, dict) else GONE
    return found


def named(items: list[Json]) -> list[str]:
    return [item["name"] for item in items]


def pods(kind: Kind, namespace: str, pod: Json | None = None, **spec: Any) -> Json:
    """A Deployment, StatefulSet or DaemonSet; `pod` is the spec of its pods."""
    labels = {"app": "x"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "x"}], **(pod or {})},
    }
    return manifest(
        kind, "x", namespace, spec={"selector": {"matchLabels": labels}, "template": template, **spec}
    )


def container(**fields: Any) -> Json:
    return {"name": "c", "image": "x", **fields}


def rules(*verbs: str) -> list[Json]:
    return [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]


TEMPLATE = "spec/template/spec"
BACKEND = {"service": {"name": "x", "port": {"number": 80}}}
PATHS = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}
METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}


def scaler(namespace: str, **spec: Any) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    return manifest(SCALER, "x", namespace, spec={"scaleTargetRef": target, "maxReplicas": 3, **spec})


Make = Callable[[str], Json]
Expected = dict[str, Any]

# The manifest before and after, and what the object has then.
CHANGES: dict[str, tuple[Kind, Make, Make, Expected]] = {
    "a ConfigMap's keys": (
        CONFIG_MAP,
        lambda ns: manifest(CONFIG_MAP, "x", ns, data={"keep": "1", "drop": "2"}, binaryData={"b": "AA=="}),
        lambda ns: manifest(CONFIG_MAP, "x", ns, data={"keep": "1"}),
        {"data": {"keep": "1"}, "binaryData": GONE},
    ),
    "labels and annotations": (
        CONFIG_MAP,
        lambda ns: with_metadata(config_map("x", ns), labels={"a": "1", "b": "1"}, annotations={"a": "1"}),
        lambda ns: with_metadata(config_map("x", ns), labels={"b": "2"}),
        {"metadata/labels": {"b": "2"}, "metadata/annotations/a": GONE},
    ),
    "a Secret's text": (
        SECRET,
        lambda ns: manifest(SECRET, "x", ns, stringData={"a": "1", "b": "2"}, data={"c": "AA=="}),
        lambda ns: manifest(SECRET, "x", ns, stringData={"b": "3"}),
        {"data": {"b": base64.b64encode(b"3").decode()}, "type": "Opaque"},
    ),
    "a Service's selector": (
        SERVICE,
        lambda ns: manifest(SERVICE, "x", ns, spec={"selector": {"app": "old"}, "ports": [{"port": 80}]}),
        lambda ns: manifest(SERVICE, "x", ns, spec={"selector": {"tier": "new"}, "ports": [{"port": 80}]}),
        {"spec/selector": {"tier": "new"}},
    ),
    "a Service's ports": (
        SERVICE,
        lambda ns: manifest(
            SERVICE,
            "x",
            ns,
            spec={"ports": [{"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 53}]},
        ),
        lambda ns: manifest(SERVICE, "x", ns, spec={"ports": [{"name": "b", "port": 53}]}),
        {
            "spec/ports": [{"name": "b", "port": 53, "protocol": "TCP", "targetPort": 53}],
        },
    ),
    "a Service's type": (
        SERVICE,
        lambda ns: manifest(
            SERVICE,
            "x",
            ns,
            spec={"type": "NodePort", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]},
        ),
        lambda ns: manifest(SERVICE, "x", ns, spec={"ports": [{"port": 80}]}),
        {"spec/type": "ClusterIP", "spec/externalTrafficPolicy": GONE, "spec/ports/0/nodePort": GONE},
    ),
    "a Service without an address": (
        SERVICE,
        lambda ns: manifest(SERVICE, "x", ns, spec={"ports": [{"port": 80}], "selector": {"a": "b"}}),
        lambda ns: manifest(SERVICE, "x", ns, spec={"type": "ExternalName", "externalName": "a.example"}),
        {"spec/type": "ExternalName", "spec/clusterIP": GONE, "spec/selector": GONE},
    ),
    "a strategy, with parts of the other one": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}),
        lambda ns: pods(DEPLOYMENT, ns, strategy={"type": "Recreate"}),
        {"spec/strategy": {"type": "Recreate"}},
    ),
    "a strategy, the other one by default": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns),
        lambda ns: pods(DEPLOYMENT, ns, strategy={"type": "Recreate"}),
        {"spec/strategy": {"type": "Recreate"}},
    ),
    "and back": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns, strategy={"type": "Recreate"}),
        lambda ns: pods(DEPLOYMENT, ns),
        {"spec/strategy/type": "RollingUpdate"},
    ),
    "what pods are to have": (
        DEPLOYMENT,
        lambda ns: pods(
            DEPLOYMENT,
            ns,
            {
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "a", "operator": "Exists"}],
                "serviceAccountName": "robot",
                "hostNetwork": True,
                "securityContext": {"runAsUser": 1},
            },
            replicas=3,
        ),
        lambda ns: pods(DEPLOYMENT, ns),
        {
            "spec/replicas": 1,
            f"{TEMPLATE}/nodeSelector": GONE,
            f"{TEMPLATE}/tolerations": GONE,
            f"{TEMPLATE}/serviceAccountName": GONE,
            f"{TEMPLATE}/hostNetwork": GONE,
            f"{TEMPLATE}/securityContext": {},
        },
    ),
    "a container's lists": (
        DEPLOYMENT,
        lambda ns: pods(
            DEPLOYMENT,
            ns,
            {
                "containers": [
                    container(
                        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        ports=[{"containerPort": 80}, {"containerPort": 81, "name": "m"}],
                        args=["a", "b"],
                        volumeMounts=[{"name": "v", "mountPath": "/v"}],
                        resources={"limits": {"cpu": "1", "memory": "1Gi"}},
                    ),
                    {"name": "second", "image": "x"},
                ],
                "volumes": [{"name": "v", "emptyDir": {}}],
            },
        ),
        lambda ns: pods(
            DEPLOYMENT,
            ns,
            {
                "containers": [
                    container(
                        env=[{"name": "B", "value": "3"}],
                        ports=[{"containerPort": 81}],
                        args=["b"],
                        resources={"limits": {"cpu": "2"}},
                    )
                ]
            },
        ),
        {
            f"{TEMPLATE}/containers/1": GONE,
            f"{TEMPLATE}/containers/0/env": [{"name": "B", "value": "3"}],
            f"{TEMPLATE}/containers/0/ports": [{"containerPort": 81, "protocol": "TCP"}],
            f"{TEMPLATE}/containers/0/args": ["b"],
            f"{TEMPLATE}/containers/0/volumeMounts": GONE,
            f"{TEMPLATE}/containers/0/resources": {"limits": {"cpu": "2"}},
            f"{TEMPLATE}/volumes": GONE,
        },
    ),
    "how a volume is filled": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns, {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
        lambda ns: pods(DEPLOYMENT, ns, {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}),
        {f"{TEMPLATE}/volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 420}}]},
    ),
    "how a container is probed": (
        DEPLOYMENT,
        lambda ns: pods(
            DEPLOYMENT, ns, {"containers": [container(livenessProbe={"httpGet": {"path": "/", "port": 80}})]}
        ),
        lambda ns: pods(
            DEPLOYMENT, ns, {"containers": [container(livenessProbe={"exec": {"command": ["true"]}})]}
        ),
        {
            f"{TEMPLATE}/containers/0/livenessProbe/httpGet": GONE,
            f"{TEMPLATE}/containers/0/livenessProbe/exec": {"command": ["true"]},
        },
    ),
    "where a variable comes from": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns, {"containers": [container(env=[{"name": "A", "value": "1"}])]}),
        lambda ns: pods(
            DEPLOYMENT,
            ns,
            {
                "containers": [
                    container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])
                ]
            },
        ),
        {
            f"{TEMPLATE}/containers/0/env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
            ]
        },
    ),
    "a StatefulSet's partition": (
        STATEFUL_SET,
        lambda ns: pods(
            STATEFUL_SET,
            ns,
            {"nodeSelector": {"disk": "ssd"}},
            serviceName="x",
            updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
        ),
        lambda ns: pods(STATEFUL_SET, ns, serviceName="x", updateStrategy={"type": "OnDelete"}),
        {"spec/updateStrategy": {"type": "OnDelete"}, f"{TEMPLATE}/nodeSelector": GONE},
    ),
    "a DaemonSet's strategy": (
        DAEMON_SET,
        lambda ns: pods(DAEMON_SET, ns),
        lambda ns: pods(DAEMON_SET, ns, updateStrategy={"type": "OnDelete"}),
        {"spec/updateStrategy": {"type": "OnDelete"}},
    ),
    "a CronJob's deadline": (
        CRON_JOB,
        lambda ns: cron_job(ns, startingDeadlineSeconds=30, suspend=True),
        lambda ns: cron_job(ns),
        {"spec/startingDeadlineSeconds": GONE, "spec/suspend": False},
    ),
    "an Ingress's host": (
        INGRESS,
        lambda ns: manifest(
            INGRESS, "x", ns, spec={"rules": [{"host": "a.example", **PATHS}], "ingressClassName": "c"}
        ),
        lambda ns: manifest(INGRESS, "x", ns, spec={"rules": [PATHS]}),
        {"spec/rules/0/host": GONE, "spec/ingressClassName": GONE},
    ),
    "an Ingress's rules": (
        INGRESS,
        lambda ns: manifest(
            INGRESS, "x", ns, spec={"rules": [{"host": "a.example", **PATHS}], "defaultBackend": BACKEND}
        ),
        lambda ns: manifest(INGRESS, "x", ns, spec={"defaultBackend": BACKEND}),
        {"spec/rules": GONE, "spec/defaultBackend": BACKEND},
    ),
    "a NetworkPolicy's ports": (
        NETWORK_POLICY,
        lambda ns: manifest(
            NETWORK_POLICY,
            "x",
            ns,
            spec={
                "podSelector": {"matchLabels": {"a": "b"}},
                "ingress": [{"ports": [{"port": 53, "protocol": "UDP"}]}],
            },
        ),
        lambda ns: manifest(
            NETWORK_POLICY, "x", ns, spec={"podSelector": {}, "ingress": [{"ports": [{"port": 53}]}]}
        ),
        {"spec/podSelector": {}, "spec/ingress": [{"ports": [{"port": 53, "protocol": "TCP"}]}]},
    ),
    "what a budget counts": (
        BUDGET,
        lambda ns: manifest(
            BUDGET, "x", ns, spec={"minAvailable": 1, "selector": {"matchLabels": {"a": "1", "b": "2"}}}
        ),
        lambda ns: manifest(
            BUDGET, "x", ns, spec={"maxUnavailable": 1, "selector": {"matchLabels": {"b": "2"}}}
        ),
        {
            "spec/minAvailable": GONE,
            "spec/maxUnavailable": 1,
            "spec/selector": {"matchLabels": {"b": "2"}},
        },
    ),
    "what scales": (
        SCALER,
        lambda ns: scaler(
            ns, minReplicas=2, metrics=[METRIC], behavior={"scaleDown": {"stabilizationWindowSeconds": 5}}
        ),
        lambda ns: scaler(ns),
        {"spec/minReplicas": 1, "spec/behavior": GONE},
    ),
    "what a Role allows": (
        ROLE,
        lambda ns: manifest(ROLE, "x", ns, rules=[*rules("get", "delete"), *rules("list")]),
        lambda ns: manifest(ROLE, "x", ns, rules=rules("get")),
        {"rules": rules("get")},
    ),
    "anything, without a schema": (
        FREE,
        lambda ns: manifest(
            FREE,
            "x",
            ns,
            spec={
                "a": {"b": {"c": 1, "d": 2}, "e": 3},
                "list": [{"name": "x", "y": 1}, {"name": "z"}],
                "s": ["a", "b"],
            },
            other={"x": 1},
        ),
        lambda ns: manifest(FREE, "x", ns, spec={"a": {"b": {"d": 2}}, "list": [{"name": "x"}], "s": ["b"]}),
        {"spec": {"a": {"b": {"d": 2}}, "list": [{"name": "x"}], "s": ["b"]}, "other": GONE},
    ),
}


class Writes:
    """What an agent has asked of both its clusters beside reading."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def note(self, method: str, path: str) -> None:
        self.paths.append(path)


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
async def agent(pair: Pair, writes: Writes) -> AsyncIterator[Agent]:
    async with running(pair, client=gated(writes.note)) as item:
        yield item


def with_metadata(body: Json, **metadata: Any) -> Json:
    return {**body, "metadata": {**body["metadata"], **metadata}}


def cron_job(namespace: str, **spec: Any) -> Json:
    pod = {"spec": {"restartPolicy": "Never", "containers": [container()]}}
    job = {"spec": {"template": pod}}
    return manifest(CRON_JOB, "x", namespace, spec={"schedule": "0 0 1 1 *", "jobTemplate": job, **spec})


@pytest.fixture(scope="session")
async def free(pair: Pair) -> None:
    """A kind that takes anything, with a status of its own."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": FREE.plural, "singular": "free", "kind": FREE.kind, "listKind": "FreeList"}
    spec = {"group": FREE.group, "scope": "Namespaced", "names": names, "versions": [version]}
    await pair.managed.create(CRD, manifest(CRD, f"{FREE.plural}.{FREE.group}", spec=spec))


@pytest.fixture(autouse=True)
def _kinds(free: None) -> None:
    return None


async def settled(pair: Pair, name: str) -> None:
    await works.condition(pair, name, "Applied", "True")


async def has(pair: Pair, kind: Kind, namespace: str, expected: Expected, name: str = "x") -> Object:
    """The object, once it is so."""

    async def probe() -> Object | None:
        found = await works.find(pair, kind, name, namespace)
        if found is not None:
            body = found.to_dict()
            assert {path: at(body, path) for path in expected} == expected
        return found

    return await eventually(probe, within=20, what=f"{kind} {namespace}/{name}")


async def somebody(pair: Pair, kind: Kind, namespace: str, body: Json, name: str = "x") -> Object:
    """Another writer on the cluster."""
    patch = merge_patch(body, field_manager=SOMEBODY)
    return await pair.managed.patch(kind, name, patch, namespace=namespace)


def looked_at(kind: Kind, namespace: str) -> Json:
    """The part of a work by which `writes_nothing` knows that the agent has seen the object."""
    rules = works.values(touched=".metadata.annotations.touched")
    return {"manifestConfigs": [works.option(kind, "x", namespace, feedbackRules=rules)]}


_touches = itertools.count(1)


async def writes_nothing(pair: Pair, writes: Writes, kind: Kind, namespace: str) -> None:
    """The agent looks at the object again, and leaves it as it is."""
    number = str(next(_touches))
    writes.paths.clear()
    await somebody(pair, kind, namespace, {"metadata": {"annotations": {"touched": number}}})
    await works.feedback_value(pair, namespace, "touched", number)
    assert kind.path(namespace, "x") not in writes.paths
    assert writes.paths  # the feedback, at least


@pytest.mark.parametrize("change", CHANGES)
async def test_what_leaves_the_manifest_leaves_the_object(
    pair: Pair, agent: Agent, writes: Writes, namespace: str, change: str
) -> None:
    kind, before, after, expected = CHANGES[change]
    await works.create(pair, namespace, before(namespace), **looked_at(kind, namespace))
    first = await works.there(pair, kind, "x", namespace)
    await settled(pair, namespace)
    await works.change(pair, namespace, after(namespace))
    last = await has(pair, kind, namespace, expected)
    await settled(pair, namespace)
    assert last.metadata.uid == first.metadata.uid
    await writes_nothing(pair, writes, kind, namespace)
    await has(pair, kind, namespace, expected)


@pytest.mark.parametrize("change", ["a Secret's text", "a container's lists", "anything, without a schema"])
async def test_an_agent_that_was_away_when_it_left_takes_it_away_too(
    pair: Pair, writes: Writes, namespace: str, change: str
) -> None:
    kind, before, after, expected = CHANGES[change]
    async with running(pair):
        await works.create(pair, namespace, before(namespace), **looked_at(kind, namespace))
        await settled(pair, namespace)
    await works.change(pair, namespace, after(namespace))
    async with running(pair):
        await has(pair, kind, namespace, expected)
        await settled(pair, namespace)
    async with running(pair, client=gated(writes.note)):
        await writes_nothing(pair, writes, kind, namespace)
        await has(pair, kind, namespace, expected)


# -- what is not the work's ------------------------------------------------------------------------------
async def test_what_others_have_added_stays_when_the_manifest_changes(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    def body(image: str, **env: str) -> Json:
        variables = [{"name": name, "value": value} for name, value in env.items()]
        return with_metadata(
            pods(DEPLOYMENT, namespace, {"containers": [container(image=image, env=variables)]}),
            labels={"ours": image},
        )

    await works.create(pair, namespace, body("x", A="1", B="2"), **looked_at(DEPLOYMENT, namespace))
    await settled(pair, namespace)
    sidecar = {"name": "sidecar", "image": "theirs"}
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": {"theirs": "1"}, "finalizers": ["example.com/theirs"]},
        "spec": {
            "replicas": 5,
            "template": {
                "metadata": {"annotations": {"theirs": "1"}},
                "spec": {
                    "containers": [{"name": "c", "env": [{"name": "THEIRS", "value": "1"}]}, sidecar],
                    "volumes": [{"name": "theirs", "emptyDir": {}}],
                },
            },
        },
    }
    await pair.managed.patch(
        DEPLOYMENT, "x", apply_patch(theirs, field_manager=SOMEBODY, force=True), namespace=namespace
    )
    await writes_nothing(pair, writes, DEPLOYMENT, namespace)
    await works.change(pair, namespace, body("y", B="3"))
    found = await has(
        pair,
        DEPLOYMENT,
        namespace,
        {
            f"{TEMPLATE}/containers/0/image": "y",
            f"{TEMPLATE}/containers/0/env": [{"name": "B", "value": "3"}, {"name": "THEIRS", "value": "1"}],
            f"{TEMPLATE}/containers/1/image": "theirs",
            f"{TEMPLATE}/volumes/0/name": "theirs",
            "spec/template/metadata/annotations": {"theirs": "1"},
            "spec/replicas": 5,
            "metadata/labels": {"ours": "y", "theirs": "1"},
            "metadata/finalizers": ["example.com/theirs"],
        },
    )
    await pair.managed.patch(
        DEPLOYMENT, "x", merge_patch({"metadata": {"finalizers": None}}), namespace=namespace
    )
    assert found.metadata.generation


async def test_an_object_is_ours_by_the_name_of_ocms_agent(pair: Pair, agent: Agent, namespace: str) -> None:
    await works.create(pair, namespace, config_map("x", namespace, a="1", b="1"))
    await settled(pair, namespace)
    await works.change(pair, namespace, config_map("x", namespace, a="2"))
    found = await has(pair, CONFIG_MAP, namespace, {"data": {"a": "2"}})
    fields = found.to_dict()["metadata"]["managedFields"]
    assert [(item["manager"], item["operation"]) for item in fields] == [("work-agent", "Update")]


async def test_finalizers_are_set_at_the_creation_and_left_to_others_then(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = with_metadata(
        manifest(CLAIM, "x", namespace, spec=spec),
        finalizers=["kubernetes.io/pvc-protection", "example.com/a"],
    )
    await works.create(pair, namespace, claim, **looked_at(CLAIM, namespace))
    await settled(pair, namespace)
    made = await works.there(pair, CLAIM, "x", namespace)
    assert made.metadata.finalizers == ["kubernetes.io/pvc-protection", "example.com/a"]
    operations = [{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/snapshotting"}]
    await pair.managed.patch(CLAIM, "x", json_patch(operations), namespace=namespace)
    await writes_nothing(pair, writes, CLAIM, namespace)
    operations = [{"op": "remove", "path": "/metadata/finalizers/1"}]
    await pair.managed.patch(CLAIM, "x", json_patch(operations), namespace=namespace)
    await writes_nothing(pair, writes, CLAIM, namespace)
    await works.change(pair, namespace, with_metadata(claim, labels={"new": "1"}))
    found = await has(pair, CLAIM, namespace, {"metadata/labels": {"new": "1"}})
    assert found.metadata.finalizers == ["kubernetes.io/pvc-protection", "example.com/snapshotting"]
    free = merge_patch({"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}})
    await pair.managed.patch(CLAIM, "x", free, namespace=namespace)


async def test_owners_that_the_manifest_names_are_replaced_by_the_work(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    nobody = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "nobody",
        "uid": "11111111-2222-3333-4444-555555555555",
    }
    owned = with_metadata(config_map("x", namespace, a="1"), ownerReferences=[nobody])
    await works.create(pair, namespace, owned, **looked_at(CONFIG_MAP, namespace))
    await settled(pair, namespace)
    found = await works.there(pair, CONFIG_MAP, "x", namespace)
    assert [owner.name for owner in found.metadata.owner_references] == [works.trace_name(pair, namespace)]
    await writes_nothing(pair, writes, CONFIG_MAP, namespace)
    theirs = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "name": namespace,
        "uid": (await works.there(pair, NAMESPACE, namespace)).metadata.uid,
    }
    operations = [{"op": "add", "path": "/metadata/ownerReferences/-", "value": theirs}]
    await pair.managed.patch(CONFIG_MAP, "x", json_patch(operations), namespace=namespace)
    await writes_nothing(pair, writes, CONFIG_MAP, namespace)


async def test_what_the_cluster_has_allotted_stays(pair: Pair, agent: Agent, namespace: str) -> None:
    def service(**spec: Any) -> Json:
        return manifest(SERVICE, "x", namespace, spec={"type": "NodePort", "ports": [{"port": 80}], **spec})

    await works.create(pair, namespace, service(selector={"a": "1"}))
    before = (await works.there(pair, SERVICE, "x", namespace)).to_dict()
    await settled(pair, namespace)
    await works.change(pair, namespace, service(selector={"a": "2"}))
    kept = {path: at(before, path) for path in ("spec/clusterIP", "spec/ports/0/nodePort", "spec/ipFamilies")}
    assert GONE not in kept.values()
    await has(pair, SERVICE, namespace, {"spec/selector": {"a": "2"}, **kept})


async def test_replicas_that_a_scaler_decides_stay(pair: Pair, agent: Agent, namespace: str) -> None:
    await works.create(pair, namespace, pods(DEPLOYMENT, namespace, replicas=1))
    await settled(pair, namespace)
    scaled = merge_patch({"spec": {"replicas": 4}}, field_manager="kube-controller-manager")
    await works.change(pair, namespace, pods(DEPLOYMENT, namespace, {"nodeSelector": {"a": "b"}}))
    await has(pair, DEPLOYMENT, namespace, {f"{TEMPLATE}/nodeSelector": {"a": "b"}})
    await pair.managed.patch(DEPLOYMENT, "x", scaled, namespace=namespace, subresource="scale")
    await works.change(pair, namespace, pods(DEPLOYMENT, namespace, {"nodeSelector": {"a": "c"}}))
    await has(pair, DEPLOYMENT, namespace, {f"{TEMPLATE}/nodeSelector": {"a": "c"}, "spec/replicas": 4})


async def test_a_pod_keeps_what_its_cluster_has_put_in(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    def pod(label: str) -> Json:
        spec = {"containers": [container()], "tolerations": [{"key": "a", "operator": "Exists"}]}
        return with_metadata(manifest(POD, "x", namespace, spec=spec), labels={"l": label})

    await works.create(pair, namespace, pod("1"), **looked_at(POD, namespace))
    await settled(pair, namespace)
    before = await works.there(pair, POD, "x", namespace)
    assert len(before.to_dict()["spec"]["tolerations"]) > 1
    await writes_nothing(pair, writes, POD, namespace)
    await works.change(pair, namespace, pod("2"))
    await has(pair, POD, namespace, {"metadata/labels": {"l": "2"}})
    await settled(pair, namespace)


# -- drift -----------------------------------------------------------------------------------------------
DRIFTS: dict[str, tuple[Kind, Make, Json, Expected]] = {
    "a key taken away": (
        CONFIG_MAP,
        lambda ns: config_map("x", ns, a="1", b="2"),
        {"data": {"a": None}},
        {"data": {"a": "1", "b": "2"}},
    ),
    "a rule added to a list that is one": (
        ROLE,
        lambda ns: manifest(ROLE, "x", ns, rules=rules("get")),
        {"rules": [*rules("get"), *rules("delete")]},
        {"rules": rules("get")},
    ),
    "a field added in such a list": (
        INGRESS,
        lambda ns: manifest(INGRESS, "x", ns, spec={"rules": [PATHS]}),
        {"spec": {"rules": [{"host": "theirs.example", **PATHS}]}},
        {"spec/rules": [PATHS]},
    ),
    "a name added to a map that is one": (
        SERVICE,
        lambda ns: manifest(SERVICE, "x", ns, spec={"selector": {"a": "1"}, "ports": [{"port": 80}]}),
        {"spec": {"selector": {"a": "1", "theirs": "1"}}},
        {"spec/selector": {"a": "1"}},
    ),
    "the other strategy": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns, strategy={"type": "Recreate"}),
        {"spec": {"strategy": {"type": "RollingUpdate"}}},
        {"spec/strategy": {"type": "Recreate"}},
    ),
    "a container taken away": (
        DEPLOYMENT,
        lambda ns: pods(DEPLOYMENT, ns, {"containers": [container(), {"name": "d", "image": "x"}]}),
        {"spec": {"template": {"spec": {"containers": [{"name": "e", "image": "x"}]}}}},
        {f"{TEMPLATE}/containers/1/name": "c", f"{TEMPLATE}/containers/2/name": "d"},
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
async def test_drift_is_repaired(
    pair: Pair, agent: Agent, writes: Writes, namespace: str, drift: str
) -> None:
    kind, make, patch, expected = DRIFTS[drift]
    await works.create(pair, namespace, make(namespace), **looked_at(kind, namespace))
    await settled(pair, namespace)
    await somebody(pair, kind, namespace, patch)
    await has(pair, kind, namespace, expected)
    await writes_nothing(pair, writes, kind, namespace)


async def test_what_the_server_spells_otherwise_is_written_once(
    pair: Pair, agent: Agent, writes: Writes, namespace: str
) -> None:
    odd = container(resources={"limits": {"cpu": "1000m"}, "requests": {}}, env=[], volumeMounts=None)
    body = pods(DEPLOYMENT, namespace, {"containers": [odd], "nodeSelector": {}}, unknown={"field": 1})
    body["metadata"] |= {"creationTimestamp": None, "annotations": {}, "resourceVersion": "1", "uid": "a"}
    await works.create(pair, namespace, body, **looked_at(DEPLOYMENT, namespace))
    await settled(pair, namespace)
    await somebody(pair, DEPLOYMENT, namespace, {"metadata": {"labels": {"touched": "1"}}})
    await has(pair, DEPLOYMENT, namespace, {"metadata/labels/touched": "1"})
    await writes_nothing(pair, writes, DEPLOYMENT, namespace)
    await writes_nothing(pair, writes, DEPLOYMENT, namespace)


async def test_a_combination_that_the_server_refuses_is_told(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    both = {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}
    await works.create(pair, namespace, pods(DEPLOYMENT, namespace))
    await settled(pair, namespace)
    await works.change(pair, namespace, pods(DEPLOYMENT, namespace, strategy=both))
    text = await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    assert "may not be specified when strategy" in text

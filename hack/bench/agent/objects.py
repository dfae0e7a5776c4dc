"""What this benchmark has on its cluster: how many of each, and the bodies of the requests that make them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from controllers.api.kinds import CRD, MANIFEST_WORK, NAMESPACE, Kind
from hack.fleet.errors import FleetError

Json = dict[str, Any]

CLUSTER: Final = "cluster1"
GROUP: Final = "bench.argosy.io"
# Where the works' objects are, and those of others.
OURS, OTHERS = "delivered", "others"
# spec.value as the works want it.
WANTED: Final = "wanted"
PHASE: Final = "phase"
PER_WORK: Final = 10

_VERSION: Final = "v1"
# Roughly what a small ConfigMap or Deployment has.
_PAYLOAD: Final = "x" * 1024


class Size(msgspec.Struct, frozen=True):
    """`objects` of `kinds` are on the cluster, `ours` of them delivered by works of PER_WORK objects each; `samples`
    single changes of each sort are measured, and `burst` at once."""

    kinds: int = 200
    objects: int = 20_000
    ours: int = 5_000
    samples: int = 200
    burst: int = 100

    def check(self) -> None:
        """FleetError unless each figure has something to be measured on."""
        if not (
            self.kinds >= PER_WORK
            and self.kinds % PER_WORK == 0
            and self.ours % PER_WORK == 0
            and self.kinds < self.ours < self.objects
            and 0 < self.samples <= self.works
            and 0 < self.burst <= self.works
        ):
            raise FleetError(
                f"kinds and ours must be multiples of {PER_WORK}, kinds < ours < objects, samples and burst at most "
                f"ours / {PER_WORK}: not {self}"
            )

    @property
    def works(self) -> int:
        return self.ours // PER_WORK

    @property
    def first_works(self) -> int:
        """So many works have one object of each kind."""
        return self.kinds // PER_WORK


QUICK: Final = Size(kinds=10, objects=100, ours=50, samples=4, burst=5)


class Target(NamedTuple):
    """One object of a work: the one of this ordinal."""

    work: str
    ordinal: int
    kind: Kind
    name: str


def kind(number: int) -> Kind:
    name = f"Sample{number:03}"
    return Kind(GROUP, _VERSION, name, f"{name.lower()}s")


# One that is not installed when a work asks for it.
LATE: Final = Kind(GROUP, _VERSION, "Late", "lates")
LATE_WORK: Final = "work-late"


def definition(of: Kind) -> Json:
    """The CustomResourceDefinition of a kind, with a status of its own and any fields."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": of.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": anything},
    }
    names = {"kind": of.kind, "plural": of.plural, "singular": of.kind.lower(), "listKind": f"{of.kind}List"}
    spec = {"group": of.group, "names": names, "scope": "Namespaced", "versions": [version]}
    return {**_meta(CRD, str(of)), "spec": spec}


def namespace(name: str) -> Json:
    return _meta(NAMESPACE, name)


def sample(of: Kind, name: str, where: str) -> Json:
    """An object of one of these kinds."""
    body = _meta(of, name)
    body["metadata"]["namespace"] = where
    return {**body, "spec": {"value": WANTED, "payload": _PAYLOAD}}


def targets(work: int, size: Size) -> list[Target]:
    """The objects of a work, by ordinal. Works take the kinds in turns."""
    numbers = range(work * PER_WORK, (work + 1) * PER_WORK)
    return [
        Target(work_name(work), ordinal, kind(number % size.kinds), f"ours-{number:05}")
        for ordinal, number in enumerate(numbers)
    ]


def others(size: Size) -> list[tuple[Kind, str]]:
    """What somebody else has of the same kinds: kind and name."""
    return [(kind(number % size.kinds), f"other-{number:05}") for number in range(size.objects - size.ours)]


def work_name(number: int) -> str:
    return f"work-{number:04}"


def chosen(number: int, size: Size) -> Sequence[Target]:
    """One object of each of so many works, spread over all of them."""
    works = [index * size.works // number for index in range(number)]
    return [targets(work, size)[index % PER_WORK] for index, work in enumerate(works)]


def work(name: str, wanted: Sequence[tuple[Kind, str]]) -> Json:
    """A ManifestWork of these objects that reports the phase of each."""
    rules = [{"type": "JSONPaths", "jsonPaths": [{"name": PHASE, "path": f".status.{PHASE}"}]}]
    manifests = [sample(of, its_name, OURS) for of, its_name in wanted]
    configs = [
        {
            "resourceIdentifier": {
                "group": of.group,
                "resource": of.plural,
                "name": its_name,
                "namespace": OURS,
            },
            "feedbackRules": rules,
        }
        for of, its_name in wanted
    ]
    spec = {"workload": {"manifests": manifests}, "manifestConfigs": configs}
    return {**_meta(MANIFEST_WORK, name), "spec": spec}


def _meta(of: Kind, name: str) -> Json:
    return {"apiVersion": of.api_version, "kind": of.kind, "metadata": {"name": name}}

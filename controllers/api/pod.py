"""core/v1 Pod: which node it is on, and what it asks of one.

Owns the fields that the room in a cluster depends on, and no others.
"""

from __future__ import annotations

from typing import Final

from msgspec import field

from controllers.api.model import Model, Quantity

# restartPolicy of an init container that runs beside the pod's containers until they end: a sidecar.
ALWAYS: Final = "Always"


class ResourceRequirements(Model):
    """What is asked for at least, and allowed at most, by resource name."""

    requests: dict[str, Quantity] = field(default_factory=dict)
    limits: dict[str, Quantity] = field(default_factory=dict)


class Container(Model):
    """A container or an init container. `restart_policy` is for init containers only."""

    resources: ResourceRequirements = field(default_factory=ResourceRequirements)
    restart_policy: str = ""


class PodSpec(Model):
    """`node_name` is "" until the pod is bound to a node. `resources` are those of the pod as a whole."""

    node_name: str = ""
    containers: list[Container] = field(default_factory=list)
    init_containers: list[Container] = field(default_factory=list)
    overhead: dict[str, Quantity] = field(default_factory=dict)
    resources: ResourceRequirements = field(default_factory=ResourceRequirements)


class Pod(Model):
    """A pod, as far as it takes room."""

    spec: PodSpec = field(default_factory=PodSpec)

"""apps/v1 Deployment: what it runs. Owns the fields that a version can be told from, and no others."""

from __future__ import annotations

from msgspec import field

from controllers.api.meta import ObjectMeta
from controllers.api.model import Model


class DeployedContainer(Model):
    """A container as the Deployment wants it."""

    name: str = ""
    image: str = ""
    command: list[str] = field(default_factory=list)


class DeployedPodSpec(Model):
    containers: list[DeployedContainer] = field(default_factory=list)


class PodTemplate(Model):
    spec: DeployedPodSpec = field(default_factory=DeployedPodSpec)


class DeploymentSpec(Model):
    replicas: int = 1
    template: PodTemplate = field(default_factory=PodTemplate)


class Deployment(Model):
    """A Deployment, as far as it says which program it runs."""

    metadata: ObjectMeta
    spec: DeploymentSpec = field(default_factory=DeploymentSpec)

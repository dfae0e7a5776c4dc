"""Resource -> CustomResourceDefinition: what a CRD says besides the schema, and how it is put together.

Owns the shape of the definition. It never touches files; `controllers.api.manifests` does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from controllers.api.crd_schema import schema_of
from controllers.api.kinds import CRD, Kind
from controllers.api.model import Model


class Column(NamedTuple):
    """One column of `kubectl get`. Priority 0 is always shown, 1 with `-o wide`."""

    name: str
    json_path: str
    type: str = "string"
    priority: int = 0
    description: str = ""

    def definition(self) -> dict[str, Any]:
        wide = {"priority": self.priority} if self.priority else {}
        description = {"description": self.description} if self.description else {}
        return {"name": self.name, "type": self.type, "jsonPath": self.json_path} | wide | description


AGE = Column("Age", ".metadata.creationTimestamp", "date")


class Resource(NamedTuple):
    """A kind with the model of its fields, and what the API server and kubectl are told of it."""

    kind: Kind
    model: type[Model]
    short_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    categories: tuple[str, ...] = ()
    status_subresource: bool = True

    @property
    def name(self) -> str:
        """`<plural>.<group>`: the name of the definition."""
        return str(self.kind)

    def definition(self) -> dict[str, Any]:
        """The CustomResourceDefinition with one version, served and stored. Raises SchemaError."""
        version: dict[str, Any] = {
            "name": self.kind.version,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": schema_of(self.model)},
        }
        if self.status_subresource:
            version["subresources"] = {"status": {}}
        if self.columns:
            version["additionalPrinterColumns"] = [column.definition() for column in self.columns]
        return {
            "apiVersion": CRD.api_version,
            "kind": CRD.kind,
            "metadata": {"name": self.name},
            "spec": {
                "group": self.kind.group,
                "names": self._names(),
                "scope": "Namespaced" if self.kind.namespaced else "Cluster",
                "versions": [version],
            },
        }

    def _names(self) -> dict[str, Any]:
        names: dict[str, Any] = {
            "kind": self.kind.kind,
            "listKind": f"{self.kind.kind}List",
            "plural": self.kind.plural,
            "singular": self.kind.kind.lower(),
        }
        if self.short_names:
            names["shortNames"] = list(self.short_names)
        if self.categories:
            names["categories"] = list(self.categories)
        return names

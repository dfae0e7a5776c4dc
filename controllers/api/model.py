"""The base of all typed API models, and how a model carries its CRD schema.

A model is a frozen msgspec Struct: field names are snake_case here and camelCase on the wire, absent
optional fields are not written. What OpenAPI can say beyond the Python type (descriptions, patterns,
list types) stands beside the field in `Annotated[T, Meta(...)]`; `controllers.api.crd` turns that into
the structural schema of a CustomResourceDefinition.

Limits (`minLength`, `pattern`, `minimum`, `enum` of a set that may grow) go through `extra`, not through Meta's
own arguments or Literal: msgspec enforces those when it decodes, and what an API server accepted, maybe under a
newer schema, must be readable.
"""

from __future__ import annotations

from typing import Annotated, Any, dataclass_transform

import msgspec
from msgspec import Meta, StructMeta, field


class ModelMeta(StructMeta):
    """Makes `kw_only` inherited, which msgspec alone applies to one class only."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
    ) -> ModelMeta:
        return super().__new__(mcls, name, bases, namespace, **{"kw_only": True, **config})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Model(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, metaclass=ModelMeta):
    """Base of every API type that Argosy reads or writes field by field.

    A field equal to its default is not written. So a default may only be what absence means on the wire (or
    what the server fills in), and a field that the schema requires has none.
    """


def extra(**schema: Any) -> Meta:
    """Keywords of OpenAPI or of Kubernetes (`x_kubernetes_list_type="map"`) for one field's schema.

    Underscores in a keyword that starts with `x_kubernetes` become dashes; other names are used as given.
    """
    return Meta(
        extra_json_schema={
            (name.replace("_", "-") if name.startswith("x_kubernetes") else name): value
            for name, value in schema.items()
        }
    )


# A number or a text; what the text may be is for the field to say.
IntOrString = Annotated[int | str, extra(x_kubernetes_int_or_string=True)]

# resource.Quantity, such as `500m` or `2Gi`. Kept as written; compare after parsing.
Quantity = Annotated[
    IntOrString,
    extra(
        pattern=(
            r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
            r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
        )
    ),
]

# An object whose fields the schema leaves open (`x-kubernetes-preserve-unknown-fields`).
OpenObject = Annotated[dict[str, Any], extra(type="object", x_kubernetes_preserve_unknown_fields=True)]

# Integers as Go's API types size them.
Int32 = Annotated[int, extra(format="int32")]
Int64 = Annotated[int, extra(format="int64")]

# A point in time on the wire: RFC 3339, as metav1.Time writes it. Kept as text; compare after parsing.
Timestamp = Annotated[str, extra(type="string", format="date-time")]

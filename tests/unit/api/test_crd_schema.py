"""Types to structural schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Raw, field

from controllers.api.crd_schema import SchemaError, schema_of
from controllers.api.model import Int64, IntOrString, Model, OpenObject, Quantity, Timestamp, extra


class Inner(Model):
    must: str
    may: str | None = None


class Sample(Model):
    """The first paragraph,
    on two lines.

    Not for users.
    """

    api_version: str = ""
    kind: str = ""
    metadata: str
    text: Annotated[
        str, Meta(description="D", min_length=1, max_length=9, pattern="^a"), extra(default="b")
    ] = "b"
    number: Annotated[Int64 | None, extra(minimum=0)] = None
    bounded: Annotated[int, Meta(ge=-1, le=1)] = 0
    ratio: float = 0.0
    flag: bool = False
    choice: Literal["y", "x"] = "x"
    when: Annotated[Timestamp | None, extra(nullable=True)] = None
    either: IntOrString = 0
    amounts: dict[str, Quantity] = field(default_factory=dict)
    items: Annotated[
        list[Inner],
        Meta(max_length=3),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["must"]),
    ]
    inner: Inner
    open_map: OpenObject = field(default_factory=dict)
    open_struct: Annotated[Inner | None, extra(x_kubernetes_preserve_unknown_fields=True)] = None
    raw: Annotated[Raw, extra(type="object", x_kubernetes_embedded_resource=True)]


INNER = {
    "type": "object",
    "properties": {"must": {"type": "string"}, "may": {"type": "string"}},
    "required": ["must"],
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "text",
            {
                "type": "string",
                "description": "D",
                "minLength": 1,
                "maxLength": 9,
                "pattern": "^a",
                "default": "b",
            },
        ),
        ("number", {"type": "integer", "format": "int64", "minimum": 0}),
        ("bounded", {"type": "integer", "minimum": -1, "maximum": 1}),
        ("ratio", {"type": "number"}),
        ("flag", {"type": "boolean"}),
        ("choice", {"type": "string", "enum": ["x", "y"]}),
        ("when", {"type": "string", "format": "date-time", "nullable": True}),
        ("either", {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}),
        (
            "items",
            {
                "type": "array",
                "items": INNER,
                "maxItems": 3,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["must"],
            },
        ),
        ("inner", INNER),
        ("openMap", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
        ("openStruct", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
        ("raw", {"type": "object", "x-kubernetes-embedded-resource": True}),
    ],
)
def test_field(name: str, expected: dict[str, Any]) -> None:
    assert schema_of(Sample)["properties"][name] == expected


def test_amounts_are_quantities() -> None:
    amounts = schema_of(Sample)["properties"]["amounts"]
    assert amounts["type"] == "object"
    quantity = amounts["additionalProperties"]
    assert quantity.pop("pattern").startswith("^")
    assert quantity == {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
    }


def test_the_object_itself() -> None:
    schema = schema_of(Sample)
    assert schema["type"] == "object"
    assert schema["description"] == "The first paragraph, on two lines."
    assert schema["required"] == ["inner", "items", "raw"]
    assert schema["properties"]["metadata"] == {"type": "object"}
    assert schema["properties"]["apiVersion"]["type"] == "string"


class Pair(Model):
    both: tuple[int, str]


class Mixed(Model):
    either: bool | str


class Numbers(Model):
    choice: Literal[1, 2]


class Above(Model):
    number: Annotated[int, Meta(gt=0)]


@pytest.mark.parametrize("model", [Pair, Mixed, Numbers, Above])
def test_what_no_structural_schema_can_say_is_refused(model: type[Model]) -> None:
    with pytest.raises(SchemaError):
        schema_of(model)

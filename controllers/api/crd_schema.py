"""Model -> structural OpenAPI v3 schema, as apiextensions.k8s.io/v1 wants it: everything inlined, no `$ref`.

Owns the translation of types. It knows no kind: names, columns and subresources are in
`controllers.api.crd_resources`.

The rules:
- A field without default is required. `T | None` is `T`: absent is None; only `extra(nullable=True)` lets null in.
- A default of the model is no default of the schema; that is said by `extra(default=...)`. A field may have the
  second without the first: then it is always written, and the schema says both required and default, as OCM does.
- Meta's limits and `extra` become keywords; a keyword of `extra` wins over what the type gives.
- An object that preserves unknown fields lists no properties: the model types what Argosy reads of it, the
  schema leaves all of it open.
"""

from __future__ import annotations

from typing import Any

import msgspec.inspect as inspect

from controllers.api.model import Model

Schema = dict[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"

# Every object has these; the API server checks them itself.
_OBJECT_FIELDS = {
    "apiVersion": {"type": "string", "description": "Group and version of the object's type."},
    "kind": {"type": "string", "description": "Name of the object's type."},
    "metadata": {"type": "object"},
}


class SchemaError(TypeError):
    """A model uses a type that no structural schema can say."""


def schema_of(model: type[Model]) -> Schema:
    """The `openAPIV3Schema` of a kind, whose fields are the model's. Raises SchemaError.

    The first paragraph of the model's docstring is the kind's description.
    """
    info = inspect.type_info(model)
    if not isinstance(info, inspect.StructType):
        raise SchemaError(f"{model!r} is not a Struct")
    schema = _struct(info)
    required = [name for name in schema.pop("required", ()) if name not in _OBJECT_FIELDS]
    schema["description"] = _summary(model.__doc__ or "")
    schema["properties"] |= _OBJECT_FIELDS
    return schema | ({"required": required} if required else {})


def _schema(node: inspect.Type) -> Schema:
    match node:
        case inspect.Metadata():
            keywords = node.extra_json_schema or {}
            return _inner(node.type, keywords) | keywords
        case inspect.StructType():
            return _struct(node)
        case inspect.UnionType():
            return _union(node)
        case inspect.ListType():
            limits = {"minItems": node.min_length, "maxItems": node.max_length}
            return {"type": "array", "items": _schema(node.item_type)} | _given(limits)
        case inspect.DictType():
            limits = {"minProperties": node.min_length, "maxProperties": node.max_length}
            return {"type": "object", "additionalProperties": _schema(node.value_type)} | _given(limits)
        case inspect.AnyType() | inspect.RawType():
            return {}
        case _:
            return _scalar(node)


def _scalar(node: inspect.Type) -> Schema:
    match node:
        case inspect.StrType():
            limits: Schema = {"minLength": node.min_length, "maxLength": node.max_length}
            return {"type": "string"} | _given(limits | {"pattern": node.pattern})
        case inspect.IntType() | inspect.FloatType():
            if node.gt is not None or node.lt is not None or node.multiple_of is not None:
                raise SchemaError(f"only ge and le can be said of a number: {node}")
            name = "integer" if isinstance(node, inspect.IntType) else "number"
            return {"type": name} | _given({"minimum": node.ge, "maximum": node.le})
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.LiteralType() if all(isinstance(value, str) for value in node.values):
            return {"type": "string", "enum": list(node.values)}
        case _:
            raise SchemaError(f"no structural schema for {node}")


def _inner(node: inspect.Type, keywords: Schema) -> Schema:
    members = _members(node) if isinstance(node, inspect.UnionType) else [node]
    if keywords.get(PRESERVE) and isinstance(members[0], inspect.StructType | inspect.DictType):
        return {"type": "object"}
    return _schema(node)


def _members(node: inspect.UnionType) -> list[inspect.Type]:
    return [member for member in node.types if not isinstance(member, inspect.NoneType)]


def _union(node: inspect.UnionType) -> Schema:
    members = _members(node)
    if len(members) == 1:
        return _schema(members[0])
    schemas = [_schema(member) for member in members]
    if schemas == [{"type": "integer"}, {"type": "string"}]:
        return {"anyOf": schemas, INT_OR_STRING: True}
    raise SchemaError(f"a field has one type, or is an integer or a string: {node}")


def _struct(node: inspect.StructType) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {field.encode_name: _schema(field.type) for field in node.fields},
    }
    required = sorted(field.encode_name for field in node.fields if field.required)
    return schema | ({"required": required} if required else {})


def _given(keywords: Schema) -> Schema:
    return {name: value for name, value in keywords.items() if value is not None}


def _summary(docstring: str) -> str:
    """The first paragraph on one line; what follows is for readers of the code."""
    return " ".join(docstring.strip().partition("\n\n")[0].split())

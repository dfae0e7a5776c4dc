"""Bodies made from the schemas of crds/: mostly what they ask for, and now and then what nobody expects."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml
from hypothesis import strategies as st

from controllers.api.kinds import Kind
from tests.processes import ROOT

Json = dict[str, Any]
Values = st.SearchStrategy[Any]


def deep(levels: int, opening: str, closing: str) -> msgspec.Raw:
    """JSON that no encoder of Python's writes."""
    return msgspec.Raw((opening * levels + "1" + closing * levels).encode())


DEEP: Final = [
    deep(levels, *marks)
    for marks, most in ((("[", "]"), 9500), (('{"a":', "}"), 9500), (('[{"a":', "}]"), 3000))
    for levels in (150, 450, 950, 1000, 3000, 9500)
    if levels <= most
]

TEXTS: Final = [
    "",
    "a",
    "x" * 300,
    "x" * 20_000,
    "9" * 5_000,
    "\x00",
    "‮ab\ud7ff\U0001d54f\U0010ffff",
    "../..",
    "a/b",
    "%2e%2e",
    "{{workflow.name}}",
    "-1",
    "1e400",
    "1e-400",
    "NaN",
    "0x10",
    "null",
    '{"a":' * 900 + "1" + "}" * 900,
    "[" * 5_000,
    "[]",
    "object.a.b",
    "true",
    "metadata.name",
    "default",
    "argo",
]
NUMBERS: Final = [
    0,
    -1,
    1,
    2**31 - 1,
    -(2**31),
    2**53,
    2**63 - 1,
    -(2**63),
    1.5,
    1e300,
    -1e300,
    1e-300,
    10**18,
]
TIMES: Final[list[Any]] = [
    "2026-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "2016-12-31T23:59:60Z",
    "2026-01-01T00:00:00.123456789123Z",
    "2026-01-01t00:00:00z",
    [],
    ["a"],
    [None],
    [[]],
    "",
    None,
]
BYTES: Final[list[Any]] = ["", "YQ==", "YQ", "!", [], ["a"], [1]]
QUANTITIES: Final = [
    "1",
    "100m",
    "2Gi",
    "1e400",
    "-1e400",
    "9" * 400,
    "1e-400",
    "-5",
    ".5",
    "5.",
    7,
    -(2**31),
]

NAMES: Final = [f"fuzz-{letter}" for letter in "abcdef"]

anything: Values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.sampled_from(DEEP)
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*NAMES, "name", "metadata", "kind", "", "$ref", "a.b"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@functools.cache
def schema_of(kind: Kind) -> Json:
    text = (ROOT / "crds" / f"{kind.group}_{kind.plural}.yaml").read_text()
    (version,) = [item for item in yaml.safe_load(text)["spec"]["versions"] if item["name"] == kind.version]
    return dict(version["schema"]["openAPIV3Schema"])


@functools.cache
def content(kind: Kind, field: str) -> Values:
    """The values of a top-level field of a kind."""
    return of_schema(schema_of(kind)["properties"][field])


def of_schema(schema: Mapping[str, Any]) -> Values:
    """What an API server may accept for the schema: it checks types, bounds and patterns, and not all of them."""
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from(QUANTITIES)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _object(schema)
        case "array":
            return st.lists(of_schema(schema.get("items", {})), max_size=3)
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            return _number(schema)
        case "string":
            return _text(schema)
    return anything


def _object(schema: Mapping[str, Any]) -> Values:
    known = {name: of_schema(inner) for name, inner in schema.get("properties", {}).items()}
    required = {name: value for name, value in known.items() if name in schema.get("required", ())}
    optional = {name: value for name, value in known.items() if name not in required}
    if known:
        made: Values = st.fixed_dictionaries(required, optional=optional)
    elif "additionalProperties" in schema:
        keys = st.sampled_from(["cpu", "memory", "free.argosy.io/cpu", "free.argosy.io/pods", *NAMES, "a/b"])
        made = st.dictionaries(keys, of_schema(schema["additionalProperties"]), max_size=3)
    else:
        made = st.just({})
    if not schema.get("x-kubernetes-preserve-unknown-fields"):
        return made
    more = st.dictionaries(
        st.sampled_from(["a", "status", "metadata", "spec", "apiVersion"]), anything, max_size=2
    )
    return st.builds(lambda one, other: {**one, **other}, made, more)


def _number(schema: Mapping[str, Any]) -> Values:
    least, most = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
    if schema.get("format") == "int32":
        least, most = max(least, -(2**31)), min(most, 2**31 - 1)
    fitting = [value for value in [*NUMBERS, least, most] if least <= value <= most and value == int(value)]
    return st.sampled_from([int(value) for value in fitting])


def _text(schema: Mapping[str, Any]) -> Values:
    match schema.get("format"):
        case "date-time":
            return st.sampled_from(TIMES)
        case "byte":
            return st.sampled_from(BYTES)
    if "pattern" in schema:
        return st.sampled_from([*NAMES, "a", "True", "a.b/c", "default", "Odd", "1"])
    return st.one_of(st.sampled_from(NAMES), st.sampled_from(TEXTS))

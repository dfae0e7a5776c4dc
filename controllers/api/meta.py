"""metav1 as Argosy uses it: object metadata, owner references, conditions, label selectors."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, field

from controllers.api.model import Int64, Model, Timestamp, extra

# A label key: an optional DNS subdomain and a slash, then a name.
QUALIFIED_NAME = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)


_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def timestamp(now: datetime) -> str:
    """An aware time as metav1.Time writes it, to the second."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=8192)
def parsed(moment: str) -> datetime:
    """A metav1.Time or MicroTime as a time of UTC. Raises ValueError for other text.

    API servers take the year 0, and offsets that lead out of the years 1 to 9999: those are the earliest time of all,
    or the latest.
    """
    try:
        if moment.startswith("0000-"):
            datetime.fromisoformat(f"2000{moment[4:]}")
            return _EARLIEST
        found = datetime.fromisoformat(moment)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        return _EARLIEST if moment.startswith("0") else _LATEST


class OwnerReference(Model):
    """metav1.OwnerReference."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ManagedFieldsEntry(Model):
    """metav1.ManagedFieldsEntry without the fields, which are never decoded. `operation`: Apply or Update."""

    operation: str = ""


class ObjectMeta(Model):
    """The fields of metav1.ObjectMeta that controllers decide by."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    finalizers: list[str] = field(default_factory=list)
    owner_references: list[OwnerReference] = field(default_factory=list)
    managed_fields: list[ManagedFieldsEntry] = field(default_factory=list)


class Condition(Model):
    """metav1.Condition."""

    type: Annotated[
        str,
        Meta(description="Type of the condition, in CamelCase; a foreign one has a DNS prefix."),
        extra(maxLength=316, pattern=QUALIFIED_NAME),
    ]
    status: Annotated[Literal["True", "False", "Unknown"], Meta(description="True, False or Unknown.")]
    reason: Annotated[
        str,
        Meta(description="Why the condition has this status, one CamelCase word."),
        extra(minLength=1, maxLength=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
    ]
    message: Annotated[
        str, Meta(description="The reason in words, for a person; may be empty."), extra(maxLength=32768)
    ]
    last_transition_time: Annotated[Timestamp, Meta(description="When the status last changed.")]
    observed_generation: Annotated[
        Int64 | None,
        Meta(description="The metadata.generation this condition was computed from."),
        extra(minimum=0),
    ] = None


class LabelSelectorRequirement(Model):
    """metav1.LabelSelectorRequirement."""

    key: Annotated[str, Meta(description="The label key the requirement is about.")]
    operator: Annotated[str, Meta(description="In, NotIn, Exists or DoesNotExist.")]
    values: Annotated[
        list[str] | None,
        Meta(description="Values for In and NotIn; empty for Exists and DoesNotExist."),
        extra(x_kubernetes_list_type="atomic"),
    ] = None


class LabelSelector(Model):
    """metav1.LabelSelector: `match_labels` and `match_expressions` must all hold; empty matches all."""

    match_labels: Annotated[
        dict[str, str] | None, Meta(description="Labels that must be there with these values.")
    ] = None
    match_expressions: Annotated[
        list[LabelSelectorRequirement] | None,
        Meta(description="Requirements on labels, all of which must hold."),
        extra(x_kubernetes_list_type="atomic"),
    ] = None


# Server-side apply takes or leaves a label selector as a whole.
Selector = Annotated[LabelSelector, extra(x_kubernetes_map_type="atomic")]

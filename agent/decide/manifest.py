"""What a manifest is: its identity, and whether a work may carry it.

Owns the reading of the embedded objects' heads, and OCM's admission rules for them (the webhook
`pkg/work/webhook/common` of open-cluster-management.io/ocm v1.2.0), which a hub without OCM does not enforce.
Never looks at the rest of an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw

from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.model import Model
from controllers.api.work import ManifestResourceMeta

MAX_MANIFESTS_BYTES = 500 * 1024


class ManifestError(ValueError):
    """A manifest that cannot be applied; the message says why, for the work's status."""


class Identity(NamedTuple):
    """Which object a manifest describes. `namespace` is "" where the manifest names none."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.api_version} {self.kind} {name}"


class Entry(NamedTuple):
    """One manifest of a work: its identity, or the problem that keeps it from being applied.

    `origin` is the uid of the hub object that the manifest is a copy of, "" if the manifest does not say.
    """

    ordinal: int
    identity: Identity | None
    problem: str = ""
    origin: str = ""


class _Metadata(Model):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    annotations: dict[str, str] | None = None


class _Head(Model):
    api_version: str = ""
    kind: str = ""
    metadata: _Metadata = _Metadata()


_HEAD = msgspec.json.Decoder(_Head)


def identify(manifest: Raw | bytes) -> Identity:
    """The identity of one manifest. Raises ManifestError if it is no object or lacks a part of it."""
    return _identity(_head(manifest))


def read_manifests(manifests: Sequence[Raw | bytes]) -> list[Entry]:
    """An entry for each manifest, in order. Of two manifests for one object the later has the problem."""
    seen: dict[Identity, int] = {}
    entries = []
    for ordinal, manifest in enumerate(manifests):
        try:
            head = _head(manifest)
            identity = _identity(head)
        except ManifestError as error:
            entries.append(Entry(ordinal, None, str(error)))
            continue
        first = seen.setdefault(identity, ordinal)
        problem = "" if first == ordinal else f"duplicate of manifest {first}: {identity}"
        origin = (head.metadata.annotations or {}).get(HUB_UID_ANNOTATION, "")
        entries.append(Entry(ordinal, identity, problem, origin))
    return entries


def workload_problem(manifests: Sequence[Raw | bytes], *, limit: int = MAX_MANIFESTS_BYTES) -> str:
    """Why OCM's webhook would refuse the workload as a whole: empty, or too many bytes. "" if it would not.

    For whoever admits works. An agent applies what the hub has admitted: OCM's limit can be configured.
    """
    if not manifests:
        return "the work has no manifests"
    size = sum(len(memoryview(manifest)) for manifest in manifests)
    if size > limit:
        return f"the manifests take {size} bytes, which exceeds the limit of {limit} bytes"
    return ""


def resource_meta(entry: Entry, resource: str = "", *, namespaced: bool = True) -> ManifestResourceMeta:
    """How the work's status names the manifest.

    `resource` (plural) and the scope come from discovery; leave `resource` empty where the cluster does not
    serve the kind.
    """
    if entry.identity is None:
        return ManifestResourceMeta(ordinal=entry.ordinal)
    identity = entry.identity
    return ManifestResourceMeta(
        ordinal=entry.ordinal,
        group=identity.group,
        version=identity.version,
        kind=identity.kind,
        resource=resource,
        name=identity.name,
        namespace=identity.namespace if namespaced else "",
    )


def _head(manifest: Raw | bytes) -> _Head:
    try:
        return _HEAD.decode(manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"the manifest is not a Kubernetes object: {error}") from error


def _identity(head: _Head) -> Identity:
    if not head.api_version or not head.kind:
        raise ManifestError("apiVersion and kind must be set in the manifest")
    if head.metadata.generate_name:
        raise ManifestError("generateName must not be set in the manifest")
    if not head.metadata.name:
        raise ManifestError("name must be set in the manifest")
    group, _, version = head.api_version.rpartition("/")
    return Identity(group, version, head.kind, head.metadata.namespace, head.metadata.name)

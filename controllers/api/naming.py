"""Names that the wire contract derives from others."""

from __future__ import annotations


def manifest_work_name(workflow: str, uid: str) -> str:
    """`<workflow name>-<first 5 characters of its uid>`: the ManifestWork and the status result of a hub Workflow."""
    return f"{workflow}-{uid[:5]}"

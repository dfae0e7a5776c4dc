"""Wraps each placed Workflow in a ManifestWork for its cluster, and cleans up after it.

`build` makes the ManifestWork (pure), `reconciler` keeps exactly one per Workflow, `wiring` says when to look.
"""

"""Composition root and the runtime that Argosy's controllers share.

`controllers.api` holds kinds and wire names, `controllers.kube` the client, `controllers.runtime` the
machinery (watch, cache, informer, workqueue, controller, manager). The packages above it (placement,
manifestwork, statussync, agent) never import each other.
"""

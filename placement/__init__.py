"""Chooses a managed cluster for each Workflow, and writes PlacementDecisions where no one else does.

`decide` and `reconciler` annotate Workflows with a cluster from their Placement's decisions. `evaluator`
makes those decisions on a hub without Open Cluster Management.
"""

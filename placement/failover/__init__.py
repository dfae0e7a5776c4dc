"""What becomes of a Workflow whose cluster is lost or drained: it waits, or goes to another one.

`loss` and `decide` are pure; `reconciler` acts.
"""

"""Tells which clusters are alive on a hub without Open Cluster Management, as its registration controllers would.

`decide` is pure: from a cluster, its lease's pulse and the time to conditions and taints.
"""

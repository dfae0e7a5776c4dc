"""Keeps what a hub without Open Cluster Management lacks around ManagedClusterSets: the sets that every hub has, and
the conditions of sets and bindings. Selects nothing.
"""

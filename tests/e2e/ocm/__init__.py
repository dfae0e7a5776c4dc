"""Argosy together with Open Cluster Management's own parts."""

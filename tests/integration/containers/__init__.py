"""Clusters in containers, and the supervisor inside them."""

"""Tooling of the repository: local clusters and what builds them. Not part of the wheel."""

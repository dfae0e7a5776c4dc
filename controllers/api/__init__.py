"""Kinds, wire names and typed models. Imports nothing of Argosy outside this package; does no I/O."""

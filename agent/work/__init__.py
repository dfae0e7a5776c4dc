"""Applies ManifestWorks to the managed cluster and reports back. I/O only: the rules are in `agent.decide`."""

"""Argosy in pods: what `make deploy`, `make deploy-agent` and their opposites do."""

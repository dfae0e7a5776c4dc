"""A fleet of local Kubernetes control planes, made of plain processes: a hub and managed clusters.

No container engine is needed: real API servers, controller managers and schedulers, the real Argo
controller, and KWOK's fake nodes in place of machines. `python -m hack.fleet --help` tells the commands,
`hack.fleet.provider` is the interface for tests. Everything a fleet owns lies in one directory.
"""

"""Placement on a real hub of a thousand clusters: what decides, what is looked at again, and what is written.

The hub is an API server and etcd without clusters behind it; its objects are made here, and the controllers run as
users run them, but deliver nothing. `python -m hack.bench scale --help` tells the options.
"""

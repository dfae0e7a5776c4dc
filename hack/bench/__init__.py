"""The benchmark of the whole round trip: from "created on the hub" to "seen as finished on the hub".

It starts clusters of its own (`hack.fleet`, without Argo), Argosy's processes as users run them, and a simulated
executor in place of Argo, so that what is measured is the way there and back and nothing else. `python -m
hack.bench --help` tells the commands. Nothing of it is installed with Argosy.
"""

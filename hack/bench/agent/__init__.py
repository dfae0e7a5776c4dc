"""The agent on a real cluster of many kinds and objects: what it takes of memory, and how soon it reacts.

One API server stands for hub and managed cluster. The agent runs as users run it; what is asked of it, and what others
have on the cluster, is made here. `python -m hack.bench agent --help` tells the options.
"""

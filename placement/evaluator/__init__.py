"""Decides Placements on a hub without Open Cluster Management, as its placement controller would.

`evaluate` turns a Placement and a `snapshot` into an Evaluation; `decisions` turns that into writes. These and
what they use (`filters`, `taints`, `cel`, `prioritizers`, `spread`, `groups`, `sight`) are pure: no I/O, no clock.
"""

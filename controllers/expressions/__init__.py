"""Evaluates expressions that users have written, under bounds that no expression can pass.

A worker process of our own does it (`worker`), so that one that takes too long, takes too much memory or crashes the
library ends that process and nothing else; `evaluator` starts it, asks it and says which expression ended it. The
bounds are in `bounds`, what went over them is remembered in `refusals`. ADR 18.
"""

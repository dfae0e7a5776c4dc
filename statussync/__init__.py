"""Brings what a cluster reports of a Workflow to the hub's Workflow: status and Argo's own labels.

`decide` says what the hub should show (pure), `reconciler` writes it, `wiring` says when to look.
"""

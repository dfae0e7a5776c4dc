"""Deletes ManifestWorks some time after they are complete, on a hub without Open Cluster Management.

About works that users make; those of Workflows live and go with their Workflow.
"""

"""The machinery of a controller: watch -> cache -> informer -> workqueue -> controller -> manager.

Each part is usable and tested alone. Nothing here knows Workflows, clusters or works.
"""

"""Why each Workflow is where it is, or nowhere.

`words` says it in a line, `report` in tables (both pure); `gather` reads what is evaluated from a hub, and from files
that are not applied yet; `command` is the command line.
"""

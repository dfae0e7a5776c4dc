"""Whether a cluster can hold a Workflow.

`need` estimates the one, `room` reads the other (both pure); `promises` keeps what was given away since a cluster last
reported.
"""

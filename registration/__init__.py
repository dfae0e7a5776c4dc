"""The hub's side of joining, on a hub without Open Cluster Management: lets clusters in, gives their agents the least
rights, has their certificates signed, tells which of them are alive (`health`), and cleans up when a cluster leaves."""

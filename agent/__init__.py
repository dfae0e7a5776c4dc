"""The agent of one managed cluster: joins it to a hub, keeps it registered, applies its ManifestWorks.

`decide` holds the pure rules, `work` applies and reports, `register` keeps the ManagedCluster and its lease, `join`
makes the account that the agent uses on the hub. The agent opens all connections; the hub never calls it.
"""

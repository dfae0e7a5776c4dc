"""The agent's rules, without I/O and without a clock."""

"""Tests that start fleets of real clusters."""

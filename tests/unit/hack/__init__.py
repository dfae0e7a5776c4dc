"""Tests of the local fleet that start no cluster."""

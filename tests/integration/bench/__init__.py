"""Tests of the benchmark on real servers."""

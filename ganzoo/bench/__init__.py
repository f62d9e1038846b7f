"""Benchmarks: from a grid file to runs under identical conditions, their records, statistics and tables."""

"""Pages of a run and of a benchmark: one HTML file each, which opens without a server or a network."""

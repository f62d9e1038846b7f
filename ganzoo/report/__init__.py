"""The HTML pages of a run and of a benchmark: one file each, which opens without a server or a network."""

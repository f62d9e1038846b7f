"""A run folder: its files, their origin, and how a run is resumed."""

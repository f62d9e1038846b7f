"""A run folder: what lies in it, how it was made, how it is resumed."""

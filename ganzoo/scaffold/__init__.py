"""`ganzoo new`: a working component of any kind, with its test and its recipe."""

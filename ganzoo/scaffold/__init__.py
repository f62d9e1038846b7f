"""The files that `ganzoo new` writes: a working component of any kind, with its test and its recipe."""

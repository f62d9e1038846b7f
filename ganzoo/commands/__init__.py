"""The commands of `ganzoo`, one module a group; torch is imported only inside those that need it."""

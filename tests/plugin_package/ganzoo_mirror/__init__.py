"""A third-party package that adds a pretext task and a loss to ganzoo."""

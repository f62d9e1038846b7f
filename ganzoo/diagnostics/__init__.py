"""What a run shows besides its result: measurements, flags, panels and plots."""

"""What is read off a run: measurements, flags, panels and plots."""

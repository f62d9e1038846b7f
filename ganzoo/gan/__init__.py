"""What is trained, and its two updates."""

"""Components of the kind `penalties`; `base.py` is their contract."""

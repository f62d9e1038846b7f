"""Components of the kind `conditioning`; `base.py` is their contract."""

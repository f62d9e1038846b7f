"""Components of the kind `features`; `base.py` is their contract."""

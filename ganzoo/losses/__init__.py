"""Components of the kind `losses`; `base.py` is their contract."""

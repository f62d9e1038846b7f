"""Components of the kind `normalizations`; `base.py` is their contract."""

"""Components of the kind `augment`; `base.py` is their contract."""

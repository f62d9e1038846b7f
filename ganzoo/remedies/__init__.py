"""Components of the kind `remedies`; `base.py` is their contract."""

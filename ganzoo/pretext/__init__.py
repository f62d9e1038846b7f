"""Components of the kind `pretext`; `base.py` is their contract."""

"""Components of the kind `optim`; `base.py` is their contract."""

"""Components of the kind `data`; `base.py` is their contract."""

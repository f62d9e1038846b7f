"""Components of the kind `metrics`; `base.py` is their contract."""

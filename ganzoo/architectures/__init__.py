"""Components of the kind `architectures`; `base.py` is their contract."""

"""How much a discriminator's network forgets when its task changes: figure 3 of SSGAN's paper (arXiv:1811.11212)."""

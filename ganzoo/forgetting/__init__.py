"""How much a discriminator forgets when its task changes: figure 3 of SSGAN's paper (arXiv:1811.11212)."""

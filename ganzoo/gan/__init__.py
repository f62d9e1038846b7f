"""The networks of a GAN, and the two steps that train them."""

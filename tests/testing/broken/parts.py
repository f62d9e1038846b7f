"""Penalties and conditionings with state that each break one rule; `said` is what the check must say of it."""

from typing import ClassVar

import torch

from ganzoo.conditioning.base import Conditioning
from ganzoo.penalties.base import Penalty
from ganzoo.registry import register
from ganzoo.testing.toys import ToyConditioning, ToyGenerator


def broken(kind):
    """Register a class with the docstring that every component has."""

    def decorate(component):
        component.__doc__ = "Break one rule.\n\nSource: this test."
        return register(kind)(component)

    return decorate


class good_penalty(Penalty):
    def forward(self, discriminator, real, fake, *, rng):
        return discriminator(real.images_NCHW, real.labels_N).logits_N.square().mean()


@broken("penalties")
class of_every_logit(good_penalty):
    said: ClassVar = "its shape is (1,); return a scalar"

    def forward(self, discriminator, real, fake, *, rng):
        return super().forward(discriminator, real, fake, rng=rng)[None]


@broken("penalties")
class looking_in_secret(good_penalty):
    said: ClassVar = "after_d_step: it says 0 images and the discriminator saw 8; return how many images"

    def after_d_step(self, discriminator, real, fake):
        discriminator(real.images_NCHW, real.labels_N)
        return 0


@broken("penalties")
class leaving_gradients(good_penalty):
    said: ClassVar = "after_d_step: it changes the discriminator's weights, buffers or gradients; only look"

    def after_d_step(self, discriminator, real, fake):
        discriminator(real.images_NCHW, real.labels_N).logits_N.sum().backward()
        return len(real)


@broken("penalties")
class constant_for_g(good_penalty):
    said: ClassVar = "g_penalty: no gradient flows to the generator; compute it from its parameters, or return None"

    def g_penalty(self, generator):
        return torch.ones(())


class WideGenerator(ToyGenerator):
    def sample_latents(self, num, *, rng):
        return torch.randn(num, self.latent_dim + 1, generator=rng)


@broken("conditioning")
class of_wide_latents(Conditioning):
    said: ClassVar = "build_generator: its latents are (5, 7), not (5, 6); draw latent_dim"

    def build_generator(self, part, *, image_shape, latent_dim):
        return WideGenerator(image_shape=image_shape, latent_dim=latent_dim, num_classes=self.num_classes)

    def discriminator_head(self, feature_dim, layers):
        return ToyConditioning(num_classes=self.num_classes).discriminator_head(feature_dim, layers)

"""Detecting equal steps in latent space, the task of LT-GAN. N: batch; L: latent dimension; F: features."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.batch import Latents
from ganzoo.errors import ParameterError, check_positive
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import LossTerm, Role, StepBatch, TaskOutputs, TaskResult, View
from ganzoo.pretext.weighted_task import WeightedTask
from ganzoo.registry import register


@register("pretext")
class latent_transformation(WeightedTask):
    """Tell from two pairs of fakes (G(z), G(z + eps)) whether both were made by the same step eps (LT-GAN).

    Source: Patel et al., "LT-GAN: Self-Supervised GAN with Latent Transformation Detection", arXiv:2010.09893. A pair
    is represented by the difference of D's features, G(z + eps) less G(z); an auxiliary network sees two such
    differences and predicts whether eps was shared, by a binary cross-entropy that D learns and G is rewarded for. Each
    fake of the batch starts one pair and each pair belongs to one comparison; half of them share eps. Choices of this
    project, since the paper's values were not found: the features are D's pooled ones, the network has one hidden layer
    of their width, eps is normal with deviation `latent_noise`, and both weights.

    >>> task, latents = part("pretext.latent_transformation")(**task_args()), Latents(torch.zeros(8, 6))
    >>> eps_NL = task.extra_latents(latents, role="d", rng=torch.Generator())["moved"].latents_NL
    >>> torch.equal(eps_NL[:2], eps_NL[4:6]), torch.equal(eps_NL[2:4], eps_NL[6:])
    (True, False)

    Args:
        latent_noise: standard deviation of eps in every coordinate.
    """

    alpha: float = 1.0
    beta: float = 1.0
    latent_noise: float = 0.5
    feature_dim: int
    batch_size: int
    layers: LayerFactory

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(latent_noise=self.latent_noise)
        if self.batch_size % 4:
            raise ParameterError(
                "batch_size",
                f"= {self.batch_size} cannot be shared evenly by comparisons of equal and of different steps, each of "
                "two fakes; set it to a multiple of 4",
            )
        linear, width = self.layers.linear, self.feature_dim
        self.head = nn.Sequential(linear(2 * width, width), nn.ReLU(), linear(width, 1))
        self.chance = {"accuracy_fake": 1 / 2}

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> dict[str, Latents]:
        """Return the end of every pair; pair i is compared with pair N/2 + i, and the first N/4 of them share eps."""
        z_NL = fake.latents_NL
        eps_NL = self.latent_noise * torch.randn(z_NL.shape, generator=rng)
        half, quarter = len(z_NL) // 2, len(z_NL) // 4
        eps_NL[half : half + quarter] = eps_NL[:quarter]
        return {"moved": replace(fake, latents_NL=z_NL + eps_NL.to(z_NL))}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return the ends of the pairs; their starts are the fakes, which are seen anyway."""
        moved = batch.extra["moved"]
        is_shared_N = torch.arange(len(moved), device=moved.images_NCHW.device) % (len(moved) // 2) < len(moved) // 4
        return {"moved": View(moved, "fake", is_shared_N)}

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy on generated images, weighted by beta."""
        return self._compare(outputs, self.d_weight(step))

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy on generated images, weighted by alpha."""
        return self._compare(outputs, self.g_weight(step))

    def _compare(self, outputs: TaskOutputs, weight: float) -> TaskResult:
        moved = outputs.views["moved"]
        assert moved.targets_N is not None
        steps_NF = moved.output.features_NF.float() - outputs.fake.output.features_NF.float()
        first_MF, second_MF = steps_NF.chunk(2)
        logits_M: Tensor = self.head(torch.cat([first_MF, second_MF], dim=1)).squeeze(1).float()
        is_shared_M = moved.targets_N[: len(logits_M)]
        loss = functional.binary_cross_entropy_with_logits(logits_M, is_shared_M.float())
        hits = ((logits_M.detach() > 0) == is_shared_M).float().mean()
        return TaskResult([LossTerm("loss", loss, weight)], {"accuracy_fake": hits})

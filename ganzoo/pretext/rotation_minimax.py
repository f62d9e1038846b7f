"""Rotation as a game of D against G, the task of SSGAN-MS. N: batch; K: turns."""

from typing import Literal

import torch
from torch.nn import functional

from ganzoo.pretext.base import LossTerm, Role, StepBatch, TaskOutputs, TaskResult, View
from ganzoo.pretext.rotation import rotation
from ganzoo.pretext.transform_prediction import accuracy
from ganzoo.registry import register


@register("pretext")
class rotation_minimax(rotation):
    """Recognise the turn of real images and, as one more class, that an image is generated (SSGAN-MS).

    Source: Tran et al., "Self-supervised GAN: Analysis and Improvement with Multi-class Minimax Game",
    arXiv:1911.06997. With a head C of K + 1 = 5 classes and T_k the turn by k quarters, D minimises CE(C(T_k x), k) +
    CE(C(T_k G(z)), K + 1). G minimises under `match`, as the authors' code for Dist-GAN does, |CE(C(T_k G(z)), k) -
    CE(C(T_k x), k)|, for which its step sees real images too; under `difference`, as in the comparison of Hou et al.,
    arXiv:2106.08601, CE(C(T_k G(z)), k) - CE(C(T_k G(z)), K + 1). The weights have the numbers of the authors' ResNet
    for CIFAR-10 and not their effect.
    Departures from their code: it shows D the fakes of the last class upright only, draws at random which images a step
    sees, and takes one mean over them, four turned copies of real images to one of fakes, so that its 0.5 comes to 0.4
    for real images and 0.1 for fakes on average; here the protocols are rotation's, each term has its own mean and
    weighs beta. The script of Hou et al. weighs `difference` by 1.0 for D and by 0.2 for G.

    >>> part("pretext.rotation_minimax")(**task_args()).num_outputs
    5

    Args:
        g_objective: what G minimises, `match` or `difference`.
        protocol: `all_four`, the last quarter of the batch in all four turns; `one_each`, every image in one turn, a
            quarter of the batch each; `all_images`, every image in all turns.
    """

    uses_real_in_g_step = True

    alpha: float = 0.1
    beta: float = 0.5
    g_objective: Literal["match", "difference"] = "match"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.uses_real_in_g_step = self.g_objective == "match"
        self.chance = dict.fromkeys(("accuracy_real", "accuracy_fake", "accuracy_turn"), 1 / self.num_outputs)

    @property
    def num_outputs(self) -> int:
        """How many classes the head tells apart: the turns of real images, and generated images."""
        return self.num_transforms + 1

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return turned versions of real and of generated images, in G's step of real ones only to compare with."""
        views = {"fake": self._view(batch.fake, "fake", rng)}
        if batch.real is not None and (role == "d" or self.uses_real_in_g_step):
            views["real"] = self._view(batch.real, "real", rng)
        return views

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropies of real images by their turn and of generated ones as such, weighted by beta."""
        assert outputs.real is not None
        weight = self.d_weight(step)
        real_NK, turns_N = self._scores(outputs.real, outputs.views["real"])
        fake_NK, other_N = self._scores(outputs.fake, outputs.views["fake"])
        generated_N = torch.full_like(other_N, self.num_transforms)
        terms = [
            LossTerm("real", functional.cross_entropy(real_NK, turns_N), weight),
            LossTerm("fake", functional.cross_entropy(fake_NK, generated_N), weight),
        ]
        reports = {"accuracy_real": accuracy(real_NK, turns_N), "accuracy_fake": accuracy(fake_NK, generated_N)}
        return TaskResult(terms, reports)

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return how far generated images are from being recognised as turned real ones, weighted by alpha."""
        weight = self.g_weight(step)
        fake_NK, turns_N = self._scores(outputs.fake, outputs.views["fake"])
        as_turned = functional.cross_entropy(fake_NK, turns_N)
        reports = {"accuracy_turn": accuracy(fake_NK, turns_N)}
        if self.g_objective == "difference":
            as_generated = functional.cross_entropy(fake_NK, torch.full_like(turns_N, self.num_transforms))
            return TaskResult(
                [LossTerm("as_real", as_turned, weight), LossTerm("as_fake", as_generated, -weight)], reports
            )
        assert outputs.real is not None
        # The value that the generated images are to reach; no gradient reaches G through it.
        target = functional.cross_entropy(*self._scores(outputs.real, outputs.views["real"]))
        return TaskResult([LossTerm("match", (as_turned - target).abs(), weight)], reports)

"""Every image a class of its own: instance discrimination with a momentum copy of D and a queue.

N: batch; E: embedding; Q: queue; F: features; C, H, W: image.
"""

from dataclasses import InitVar
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.errors import ParameterError, check_at_least, check_not_negative, check_positive
from ganzoo.layers.factory import LayerFactory
from ganzoo.layers.momentum_copy import MomentumCopy
from ganzoo.pretext.base import (
    LossTerm,
    Role,
    StepBatch,
    TaskOutputs,
    TaskResult,
    View,
    ViewOutput,
)
from ganzoo.pretext.flip_and_shift import FlipAndShiftTask
from ganzoo.registry import register

Source = Literal["real", "fake"]
SOURCES: tuple[Source, Source] = ("real", "fake")


@register("pretext")
class contrastive(FlipAndShiftTask):
    """Recognise each image by D's features among all others, however it is flipped and shifted (after InsGen).

    Source: Yang et al., "Data-Efficient Instance Generation from Instance Discrimination", arXiv:2106.04566, on the
    contrast of MoCo (He et al., arXiv:1911.05722). Of every image D embeds one changed version, the query, and a slow
    copy of D another, the key; the loss is the cross-entropy of finding the own key among the Q keys of earlier steps.
    Real images and fakes have a head and a queue each. In D's step the key of a fake is that of its latent moved a
    little; G learns from the fakes' loss. Temperature, momentum, width, noise and weights are those of the authors'
    code.
    Departures: images are flipped and shifted where InsGen applies ADA's augmentation; the queue has a fixed length,
    there 5 % of the data set; the copies of D and of the heads move once after each update of D; the keys themselves
    join a queue, while InsGen's of fakes takes embeddings of the unmoved latents; heads follow D's spectral norm.

    Keys pass through the copy: they are not counted among the images that D saw.

    >>> instance_logits(torch.eye(2), torch.eye(2), torch.zeros(3, 2)).tolist()  # the own key first
    [[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]

    Args:
        alpha: weight of the generator's loss.
        beta: weight of the discriminator's loss on real images.
        beta_fake: weight of the discriminator's loss on generated images.
        temperature: divides the cosines.
        momentum: share of the copy that stays at an update of D, in [0, 1).
        num_keys: Q, keys of each queue, at least batch_size.
        embedding_dim: E.
        latent_noise: standard deviation, in every coordinate, of the noise that moves a latent.
    """

    alpha: float = 0.1
    beta: float = 1.0
    beta_fake: float = 1.0
    temperature: float = 0.2
    momentum: float = 0.999
    num_keys: int = 2048
    embedding_dim: int = 128
    latent_noise: float = 0.15
    feature_dim: int
    batch_size: int
    layers: LayerFactory
    discriminator: InitVar[Discriminator]

    def __post_init__(self, discriminator: Discriminator) -> None:
        super().__post_init__()
        check_not_negative(alpha=self.alpha, beta=self.beta, beta_fake=self.beta_fake)
        check_positive(temperature=self.temperature)
        check_not_negative(latent_noise=self.latent_noise)
        if not 0 <= self.momentum < 1:
            raise ParameterError("momentum", f"must lie in [0, 1), not {self.momentum}")
        check_at_least(1, embedding_dim=self.embedding_dim)
        if self.num_keys < self.batch_size:
            raise ParameterError("num_keys", f"= {self.num_keys} cannot take in a batch of {self.batch_size}; raise it")
        self.heads = nn.ModuleDict({source: self._head() for source in SOURCES})
        self.slow_discriminator = MomentumCopy(discriminator)
        self.slow_heads = MomentumCopy(self.heads)
        self.queues = nn.ModuleDict({source: KeyQueue(self.num_keys, self.embedding_dim) for source in SOURCES})
        # Its own key, among itself and the keys of the queue.
        self.chance = dict.fromkeys(("accuracy_real", "accuracy_fake"), 1 / (1 + self.num_keys))

    def _head(self) -> nn.Module:
        linear, width = self.layers.linear, self.feature_dim
        return nn.Sequential(linear(width, width), nn.ReLU(), linear(width, self.embedding_dim))

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> dict[str, Latents]:
        """Return the latents, moved a little, in D's step."""
        if role == "g":
            return {}
        return {"moved": fake.moved(self.latent_noise, rng=rng)}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return the images whose features are the queries, each with its key as what to recognise."""
        if role == "g":
            return {"fake": self._query(batch.fake, batch.fake, "fake", rng)}
        assert batch.real is not None
        return {
            "real": self._query(batch.real, batch.real, "real", rng),
            "fake": self._query(batch.fake, batch.extra["moved"], "fake", rng),
        }

    def _query(self, images: ImageBatch, key_images: ImageBatch, source: Source, rng: torch.Generator) -> View:
        return View(self.changed(images, rng), source, self._keys(self.changed(key_images, rng), source))

    @torch.no_grad()
    def _keys(self, batch: ImageBatch, source: Source) -> Tensor:
        """Return the copy's embeddings (N, E) of length 1."""
        output: DiscriminatorOutput = self.slow_discriminator.network(batch.images_NCHW, batch.labels_N)
        return functional.normalize(self.slow_heads.network[source](output.features_NF).float(), dim=1)

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the contrasts of real and of generated images, weighted by beta and beta_fake."""
        real, real_hits = self._contrast(outputs.views["real"], "real")
        fake, fake_hits = self._contrast(outputs.views["fake"], "fake")
        terms = [LossTerm("real", real, self.beta), LossTerm("fake", fake, self.beta_fake)]
        return TaskResult(terms, {"accuracy_real": real_hits, "accuracy_fake": fake_hits})

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the contrast of generated images, weighted by alpha."""
        fake, hits = self._contrast(outputs.views["fake"], "fake")
        return TaskResult([LossTerm("fake", fake, self.alpha)], {"accuracy_fake": hits})

    def _contrast(self, queries: ViewOutput, source: Source) -> tuple[Tensor, Tensor]:
        """Return the loss, and the share of images whose own key is the nearest."""
        assert queries.targets_N is not None
        queue = self.queues[source]
        assert isinstance(queue, KeyQueue)
        queries_NE = functional.normalize(self.heads[source](queries.output.features_NF).float(), dim=1)
        logits_NQ = instance_logits(queries_NE, queries.targets_N, queue.keys_QE) / self.temperature
        first_N = torch.zeros(len(logits_NQ), dtype=torch.int64, device=logits_NQ.device)
        hits = (logits_NQ.detach().argmax(1) == first_N).float().mean()
        return functional.cross_entropy(logits_NQ, first_N), hits

    def after_step(
        self, outputs: TaskOutputs, discriminator: Discriminator, *, role: Role, step: int, rng: torch.Generator
    ) -> None:
        """Let the keys of D's step join the queues, and the copies follow."""
        if role == "g":
            return
        for source, queue in self.queues.items():
            keys_NE = outputs.views[source].targets_N
            assert isinstance(queue, KeyQueue)
            assert keys_NE is not None
            queue.push(keys_NE)
        self.slow_discriminator.update(discriminator, momentum=self.momentum)
        self.slow_heads.update(self.heads, momentum=self.momentum)


def instance_logits(queries_NE: Tensor, keys_NE: Tensor, queue_QE: Tensor) -> Tensor:
    """Return the inner products of each query with its own key, first, and with all keys of the queue: (N, 1 + Q)."""
    # Autocast would round cosines to 8 bits.
    with torch.autocast(queries_NE.device.type, enabled=False):
        own_N1 = (queries_NE * keys_NE).sum(1, keepdim=True)
        return torch.cat([own_N1, queries_NE @ queue_QE.T], dim=1)


class KeyQueue(nn.Module):
    """The newest keys, in a ring; random directions until keys have filled it.

    Args:
        num_keys: Q.
        embedding_dim: E.
    """

    keys_QE: Tensor
    next_slot: Tensor

    def __init__(self, num_keys: int, embedding_dim: int) -> None:
        super().__init__()
        self.register_buffer("keys_QE", functional.normalize(torch.randn(num_keys, embedding_dim), dim=1))
        self.register_buffer("next_slot", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def push(self, keys_NE: Tensor) -> None:
        """Let keys, not more than Q, take the places of the oldest."""
        slots_N = (self.next_slot + torch.arange(len(keys_NE), device=keys_NE.device)) % len(self.keys_QE)
        # A new tensor: the step that used the old one may still hold it for its backward pass.
        self.keys_QE = self.keys_QE.index_copy(0, slots_N, keys_NE)
        self.next_slot = (self.next_slot + len(keys_NE)) % len(self.keys_QE)

"""Augmentations in a step: who is augmented, by which draws, where gradients go, and what tasks see of it."""

from collections.abc import Collection

import pytest
import torch
from torch import Tensor

from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.augment.ada import ada
from ganzoo.augment.base import Augment
from ganzoo.augment.diffaugment import diffaugment
from ganzoo.batch import ImageBatch, Latents
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import Objective, StepOutput, d_step, g_step
from ganzoo.losses.hinge import hinge
from ganzoo.penalties.r1 import r1
from ganzoo.pretext.base import PretextTask
from ganzoo.pretext.rotation import rotation
from ganzoo.randomness import Streams, initialization, make_generator
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator

BATCH, LATENT_DIM = 8, 6
AUGMENTS = [diffaugment(), ada(initial_probability=1.0)]


class Recording(ToyDiscriminator):
    """A toy that remembers what it was shown."""

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        self.__dict__.setdefault("shown", []).append((images_NCHW.detach(), labels_N))
        return super().forward(images_NCHW, labels_N, taps=taps)


def make_gan(*, has_rotation: bool = False, num_classes: int = 0) -> Gan:
    tasks: dict[str, PretextTask] = {}
    with initialization(0, "networks"):
        generator, discriminator = ToyGenerator(num_classes=num_classes), Recording(num_classes=num_classes)
        if has_rotation:
            tasks["rotation"] = rotation(
                batch_size=BATCH,
                num_steps=10,
                feature_dim=discriminator.feature_dim,
                image_shape=(3, 16, 16),
                layers=discriminator.layers,
            )
    return Gan(generator, discriminator, tasks, ema_decay=None, num_classes=num_classes)


def shown(gan: Gan) -> list[tuple[Tensor, Tensor | None]]:
    calls: list[tuple[Tensor, Tensor | None]] = gan.discriminator.__dict__["shown"]
    return calls


def labels(num_classes: int, seed: int) -> Tensor | None:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_classes, (BATCH,), generator=generator) if num_classes else None


def real_batch(num_classes: int = 0) -> ImageBatch:
    generator = torch.Generator().manual_seed(1)
    return ImageBatch(torch.rand(BATCH, 3, 16, 16, generator=generator) * 2 - 1, labels(num_classes, 11))


def latents(num_classes: int = 0) -> Latents:
    generator = torch.Generator().manual_seed(2)
    return Latents(torch.randn(BATCH, LATENT_DIM, generator=generator), labels(num_classes, 22))


def step(role: str, gan: Gan, augment: Augment, *, penalty: r1 | None = None) -> StepOutput:
    function, num_classes = (d_step if role == "d" else g_step), gan.num_classes
    objective = Objective(hinge(), {} if penalty is None else {"penalty": penalty}, augment)
    return function(gan, objective, real_batch(num_classes), latents(num_classes), step=0, rng=Streams(0))


def backward(output: StepOutput) -> None:
    output.loss.backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("augment", AUGMENTS, ids=["diffaugment", "ada"])
def test_gradients_reach_every_weight_of_g_through_the_augmentation(augment: Augment) -> None:
    gan = make_gan()
    backward(step("g", gan, augment))
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in gan.generator.parameters())
    assert all(p.grad is None for p in gan.d_parameters())


@pytest.mark.parametrize("augment", AUGMENTS, ids=["diffaugment", "ada"])
def test_real_and_generated_images_get_the_same_augmentation_by_draws_of_their_own(augment: Augment) -> None:
    gan = make_gan()
    with torch.no_grad():
        fake_NCHW = gan.generator(latents())
    step("d", gan, augment)
    (images_NCHW, _), *_ = shown(gan)
    for half, source, stream in (
        (images_NCHW[:BATCH], real_batch().images_NCHW, "augment/d/real"),
        (images_NCHW[BATCH:], fake_NCHW, "augment/d/fake"),
    ):
        assert torch.equal(half, augment(source, rng=make_generator(0, stream)))
    # Equal images in both places would become different ones.
    same = real_batch().images_NCHW
    real, fake = (augment(same, rng=make_generator(0, f"augment/d/{source}")) for source in ("real", "fake"))
    assert not torch.equal(real, fake)


@pytest.mark.parametrize("augment", AUGMENTS, ids=["diffaugment", "ada"])
def test_images_of_a_conditional_gan_keep_their_labels(augment: Augment) -> None:
    gan = make_gan(num_classes=3)
    step("d", gan, augment)
    step("g", gan, augment)
    (_, in_d), (_, in_g) = shown(gan)
    real_N, fake_N = labels(3, 11), labels(3, 22)
    assert real_N is not None
    assert fake_N is not None
    assert in_d is not None
    assert in_g is not None
    assert in_d.tolist() == real_N.tolist() + fake_N.tolist()
    assert in_g.tolist() == fake_N.tolist()


@pytest.mark.parametrize("role", ["d", "g"])
def test_rotation_turns_augmented_images_and_reuses_the_upright_ones(role: str) -> None:
    gan = make_gan(has_rotation=True)
    output = step(role, gan, diffaugment())
    ((images_NCHW, _),) = shown(gan)
    num_upright = 2 * BATCH if role == "d" else BATCH
    # No upright image is seen twice: three turns of the last quarter of the batch are added.
    assert len(images_NCHW) == num_upright + 3 * BATCH // 4 == output.num_d_images
    source = images_NCHW[BATCH - 2 : BATCH]
    for k in (1, 2, 3):
        turned = images_NCHW[num_upright + 2 * (k - 1) : num_upright + 2 * k]
        assert torch.equal(turned, torch.rot90(source, k, dims=(2, 3)))
    views = output.task_outputs["rotation"].views["transformed"]
    assert views.targets_N is not None
    assert views.targets_N.tolist() == [1, 1, 2, 2, 3, 3]
    # And it was augmented before.
    upright = real_batch().images_NCHW if role == "d" else None
    if upright is not None:
        assert not torch.equal(source, upright[-2:])


def test_a_penalty_sees_the_augmented_images() -> None:
    gan = make_gan()
    step("d", gan, diffaugment(), penalty=r1())
    (all_NCHW, _), (penalised_NCHW, _) = shown(gan)
    assert torch.equal(penalised_NCHW, all_NCHW[:BATCH])

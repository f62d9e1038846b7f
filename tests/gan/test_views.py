"""What the discriminator is shown, group by group."""

import pytest
import torch
from torch import Tensor

from ganzoo.augment.base import Augment
from ganzoo.batch import ImageBatch, Latents
from ganzoo.gan.model import Gan
from ganzoo.gan.views import (
    adversarial_logits,
    augmented,
    discriminate,
    frozen,
    generate,
    generate_extra,
    outputs_by_task,
)
from ganzoo.pretext.base import PretextTask, Role, View
from ganzoo.randomness import Streams, initialization
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator


def images(num: int, seed: int, label: int | None = None) -> ImageBatch:
    rng = torch.Generator().manual_seed(seed)
    labels_N = None if label is None else torch.full((num,), label)
    return ImageBatch(torch.rand(num, 3, 16, 16, generator=rng) * 2 - 1, labels_N)


class Tapping(PretextTask):
    """Reads a tap, and has extra latents."""

    taps = ("block1",)

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> dict[str, Latents]:
        return {"same": fake}


def make_gan(tasks: dict[str, PretextTask], num_classes: int = 0) -> Gan:
    with initialization(0, "networks"):
        discriminator = ToyDiscriminator(num_classes=num_classes)
        return Gan(ToyGenerator(), discriminator, tasks, ema_decay=None, num_classes=num_classes)


@pytest.mark.parametrize("num_classes", [0, 3])
def test_one_joined_pass_equals_a_pass_for_each_group(num_classes: int) -> None:
    gan = make_gan({"task": Tapping()}, num_classes)
    batches = [images(num, num, 1 if num_classes else None) for num in (4, 3, 5)]
    groups = {name: View(batch, "real") for name, batch in zip(("real", "fake", "task/x"), batches, strict=True)}
    outputs = discriminate(gan, groups)
    for name, batch in zip(groups, batches, strict=True):
        alone = gan.discriminator(batch.images_NCHW, batch.labels_N, taps=("block1",))
        torch.testing.assert_close(outputs[name].output.logits_N, alone.logits_N)
        torch.testing.assert_close(outputs[name].output.features_NF, alone.features_NF)
        torch.testing.assert_close(outputs[name].output.taps["block1"], alone.taps["block1"])
        assert outputs[name].batch is batch


def test_each_task_observes_the_upright_groups_and_its_own_views() -> None:
    gan = make_gan({"a": Tapping(), "a_b": Tapping()})
    groups = {name: View(images(2, i), "real") for i, name in enumerate(("real", "fake", "a/x", "a_b/x", "a_b/y"))}
    outputs = discriminate(gan, groups)
    extra = {"a": {"near": images(2, 9)}, "a_b": {}}
    task_outputs = outputs_by_task(gan, outputs, extra)
    assert task_outputs["a"].views == {"x": outputs["a/x"]}
    assert task_outputs["a_b"].views == {"x": outputs["a_b/x"], "y": outputs["a_b/y"]}
    assert task_outputs["a"].extra == extra["a"]
    assert task_outputs["a_b"].extra == {}
    assert task_outputs["a"].real is outputs["real"]
    assert task_outputs["a"].fake is outputs["fake"]


def test_the_adversarial_term_takes_a_view_only_if_it_asks_for_it_and_as_its_source_says() -> None:
    gan = make_gan({})
    groups = {
        "real": View(images(2, 0), "real"),
        "fake": View(images(2, 1), "fake"),
        "t/silent": View(images(2, 2), "real"),
        "t/real": View(images(3, 3), "real", adversarial=True),
        "t/fake": View(images(4, 4), "fake", adversarial=True),
    }
    outputs = discriminate(gan, groups)

    def joined(*names: str) -> Tensor:
        return torch.cat([outputs[name].output.logits_N for name in names])

    assert torch.equal(adversarial_logits(groups, outputs, "real"), joined("real", "t/real"))
    assert torch.equal(adversarial_logits(groups, outputs, "fake"), joined("fake", "t/fake"))


class Negate(Augment):
    """Changes the sign of fakes too."""

    applies_to_fake = True

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        return -images_NCHW


class NegateReal(Negate):
    """Of real images alone."""

    applies_to_fake = False


def test_fakes_are_augmented_only_by_an_augmentation_that_says_so() -> None:
    batch, rng = images(2, 0, 5), torch.Generator()
    assert torch.equal(augmented(Negate(), batch, rng, is_fake=True).images_NCHW, -batch.images_NCHW)
    assert torch.equal(augmented(NegateReal(), batch, rng).images_NCHW, -batch.images_NCHW)
    assert augmented(NegateReal(), batch, rng, is_fake=True) is batch
    assert augmented(None, batch, rng) is batch
    assert augmented(Negate(), batch, rng).labels_N is batch.labels_N


class Plus(Negate):
    """Adds a number that bfloat16 does not hold, by a matrix, which autocast would round."""

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        return images_NCHW + torch.ones(1, 1) @ torch.tensor([[0.123456789]])


def test_images_are_augmented_in_float32_whatever_the_step_runs_in() -> None:
    batch = images(2, 0)
    expected = batch.images_NCHW.bfloat16().float() + 0.123456789
    with torch.autocast("cpu", torch.bfloat16):
        out = augmented(Plus(), batch.with_images(batch.images_NCHW.bfloat16()), torch.Generator(), is_fake=True)
    assert out.images_NCHW.dtype is torch.float32
    assert torch.equal(out.images_NCHW, expected)


def test_images_of_extra_latents_are_augmented_as_fakes_are() -> None:
    gan = make_gan({"task": Tapping()})
    latents = Latents(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)))
    plain = generate_extra(gan, None, latents, "g", Streams(0))["task"]["same"].images_NCHW
    negated = generate_extra(gan, Negate(), latents, "g", Streams(0))["task"]["same"].images_NCHW
    assert torch.equal(negated, -plain)


def test_frozen_restores_what_was_trained_even_after_an_error() -> None:
    network = ToyDiscriminator()
    network.linear.bias.requires_grad_(False)
    trained = [p.requires_grad for p in network.parameters()]

    def fail() -> None:
        with frozen(network):
            assert not any(p.requires_grad for p in network.parameters())
            raise RuntimeError("in the body")

    with pytest.raises(RuntimeError, match="in the body"):
        fail()
    assert [p.requires_grad for p in network.parameters()] == trained


def test_no_view_of_a_task_moves_the_running_statistics_of_d_unless_it_is_judged() -> None:
    upright = {"real": View(images(4, 1), "real"), "fake": View(images(4, 2), "fake")}
    shown = {
        "upright": upright,
        "with a view": {**upright, "task/x": View(images(4, 3), "real")},
        "with a judged view": {**upright, "task/x": View(images(4, 3), "fake", adversarial=True)},
    }
    means: dict[str, Tensor] = {}
    for name, groups in shown.items():
        with initialization(0, "networks"):
            discriminator = ToyDiscriminator(batch_norm=True)
        discriminate(Gan(ToyGenerator(), discriminator, {}, ema_decay=None, num_classes=0), groups)
        means[name] = discriminator.normalize.running_mean
    assert torch.equal(means["upright"], means["with a view"])
    assert not torch.allclose(means["upright"], means["with a judged view"])


def test_generated_images_are_float32_under_autocast() -> None:
    gan = make_gan({})
    with torch.autocast("cpu", torch.bfloat16):
        assert gan.generator(Latents(torch.zeros(2, gan.generator.latent_dim))).dtype == torch.bfloat16
        assert generate(gan, Latents(torch.zeros(2, gan.generator.latent_dim))).images_NCHW.dtype == torch.float32

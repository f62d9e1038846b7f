"""Sampling from a generator."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Generator
from ganzoo.batch import Latents
from ganzoo.errors import RunFailedError
from ganzoo.evaluation.sampling import sample_images

CPU = torch.device("cpu")


class Toy(Generator):
    """Two pixels: a normalised latent and the label, so that what was drawn can be read off."""

    latent_dim = 3
    image_shape = (1, 1, 2)

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.frozen = nn.BatchNorm1d(3).eval()

    def forward(self, inputs: Latents) -> Tensor:
        x = self.frozen(self.norm(inputs.latents_NL))[:, :1] / 4
        label = torch.zeros_like(x) if inputs.labels_N is None else inputs.labels_N[:, None] / 127.5 - 1
        return torch.cat([x, label], dim=1)[:, None, None]


def images(num: int, *, num_classes: int = 0, seed: int = 0, **arguments: object) -> Tensor:
    return sample_images(Toy(), num, num_classes=num_classes, seed=seed, device=CPU, **arguments)[0]  # type: ignore[arg-type]


def test_images_are_the_quantised_output_under_running_statistics() -> None:
    toy = Toy()
    toy.norm.running_mean.fill_(0.5)
    found, labels = sample_images(toy, 5, num_classes=0, seed=0, device=CPU)
    rng = torch.Generator().manual_seed(0)
    assert labels is None
    assert found.shape == (5, 1, 1, 2)
    assert found.dtype == torch.uint8
    assert found.is_contiguous()
    assert found[:, 0, 0, 1].eq(128).all()  # no label: a pixel of 0.0
    toy.eval()
    latents = torch.randn(10_000, 3, generator=rng)
    wide = sample_images(toy, 10_000, num_classes=0, seed=3, device=CPU)[0][:, 0, 0, 0].double()
    expected = ((toy(Latents(latents)) + 1) * 127.5).round().clamp(0, 255)[:, 0, 0, 0].double()
    assert abs(wide.mean() - expected.mean()) < 1.5


def test_images_do_not_depend_on_the_batch_size_nor_on_how_many_are_drawn() -> None:
    whole = images(150, num_classes=7)
    assert torch.equal(whole, images(150, num_classes=7, batch_size=11))
    assert torch.equal(whole[:70], images(70, num_classes=7))
    assert torch.equal(whole[:1], images(1, num_classes=7))


def test_images_depend_on_seed_and_stream() -> None:
    assert not torch.equal(images(20), images(20, seed=1))
    assert not torch.equal(images(20), images(20, stream="samples"))


def test_labels_are_uniform_over_the_classes_and_reach_the_generator() -> None:
    found, labels = sample_images(Toy(), 6000, num_classes=3, seed=0, device=CPU)
    assert labels is not None
    # 2000 +- 5 standard deviations (36.5) of a binomial.
    assert all(abs(count - 2000) < 183 for count in torch.bincount(labels, minlength=3).tolist())
    assert torch.equal(found[:, 0, 0, 1].long(), labels)


def test_given_labels_are_used_and_change_no_latent() -> None:
    given = torch.arange(70) % 5
    found, labels = sample_images(Toy(), 70, num_classes=5, labels=given, seed=0, device=CPU)
    assert labels is not None
    assert torch.equal(labels, given)
    assert torch.equal(found[:, 0, 0, 1].long(), given)
    assert torch.equal(found[..., 0], images(70, num_classes=5)[..., 0])


@pytest.mark.parametrize("training", [True, False])
def test_sampling_leaves_the_generator_and_the_global_random_state_as_they_were(training: bool) -> None:
    toy = Toy().train(training)
    toy.frozen.eval()
    before, rng = copy.deepcopy(toy.state_dict()), torch.get_rng_state()
    sample_images(toy, 9, num_classes=0, seed=0, device=CPU)
    assert all(torch.equal(before[name], value) for name, value in toy.state_dict().items())
    assert torch.equal(rng, torch.get_rng_state())
    assert (toy.training, toy.norm.training, toy.frozen.training) == (training, training, False)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in toy.parameters())


def test_modes_are_restored_when_the_generator_fails() -> None:
    toy = Toy().train()
    with pytest.raises(RuntimeError):
        sample_images(toy, 5, num_classes=2, labels=torch.zeros(5, 2)[:, 0], seed=0, device=torch.device("meta"))
    assert toy.training


def test_images_that_are_not_numbers_are_refused_and_never_shown_black() -> None:
    toy = Toy()
    toy.norm.running_mean.fill_(float("nan"))
    with pytest.raises(RunFailedError, match="NaN"):
        sample_images(toy, 5, num_classes=0, seed=0, device=CPU)


def test_no_images_are_an_empty_batch() -> None:
    assert images(0, num_classes=2).shape == (0, 1, 1, 2)

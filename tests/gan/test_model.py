"""The moving average by hand, and whose parameters D's optimizer trains."""

from pathlib import Path

import pytest
import torch

from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.gan.build import build_gan
from ganzoo.gan.model import Gan

SPEC = DataSpec((1, 16, 16), 10, {"train": 20})


def make(recipe: Path, *overrides: str) -> Gan:
    return build_gan(load(str(recipe), overrides=overrides).experiment, SPEC)


def test_the_average_is_exponential_in_weights_and_in_running_statistics(tiny_recipe: Path) -> None:
    gan = make(tiny_recipe)  # decay 0.9
    expected = gan.generator.output.bias.detach().clone()
    norm = gan.generator.last_norm.normalize
    for step in range(4):
        with torch.no_grad():
            gan.generator.output.bias.add_(1.0)
            norm.running_mean.add_(step)
            norm.running_var.fill_(10.0**step)
            norm.num_batches_tracked.add_(1)
        gan.update_ema(step=step)
        # The average starts from the weights after the first update.
        now = gan.generator.output.bias.detach()
        expected = now.clone() if step == 0 else 0.9 * expected + 0.1 * now
    assert torch.allclose(gan.sampler.output.bias, expected)
    average = gan.sampler.last_norm.normalize
    # Means 0, 1, 3, 6: ((0 * .9 + 1 * .1) * .9 + 3 * .1) * .9 + 6 * .1; variances 1, 10, 100, 1000 likewise.
    assert torch.allclose(average.running_mean, torch.full((4,), 0.951))
    assert torch.allclose(average.running_var, torch.full((4,), 110.539))
    assert average.num_batches_tracked == 4
    assert gan.sampler is not gan.generator
    assert not any(p.requires_grad for p in gan.sampler.parameters())


def test_before_its_start_the_average_is_a_copy_and_it_starts_from_the_weights_there(tiny_recipe: Path) -> None:
    gan = make(tiny_recipe, "experiment.ema_start = 3")  # decay 0.9
    averages = []
    for step in range(5):
        with torch.no_grad():
            gan.generator.output.bias.fill_(step + 1)
        gan.update_ema(step=step)
        averages.append(float(gan.sampler.output.bias))
    # Three copies, then 0.9 * 3 + 0.1 * 4 and 0.9 * 3.1 + 0.1 * 5.
    assert averages == pytest.approx([1, 2, 3, 3.1, 3.29])


def test_an_average_of_an_earlier_version_which_counted_its_updates_is_loaded(tiny_recipe: Path) -> None:
    saved, gan = make(tiny_recipe).state_dict(), make(tiny_recipe, "experiment.seed = 5")
    assert not torch.equal(gan.state_dict()["ema.module.output.weight"], saved["ema.module.output.weight"])
    gan.load_state_dict({**saved, "ema.n_averaged": torch.tensor(7)})
    assert torch.equal(gan.state_dict()["ema.module.output.weight"], saved["ema.module.output.weight"])


def test_without_an_average_the_generator_itself_is_sampled(tiny_recipe: Path) -> None:
    gan = make(tiny_recipe, "experiment.ema_decay = None")
    assert gan.sampler is gan.generator


def test_the_discriminator_s_optimizer_trains_it_and_every_head_and_nothing_of_the_generator(tiny_recipe: Path) -> None:
    gan = make(tiny_recipe, "experiment.pretext = [@pretext.rotation, @pretext.deshuffle]")
    trained = {id(p) for p in gan.d_parameters()}
    heads = [task.head for task in gan.tasks.values()]
    assert {id(p) for p in gan.discriminator.parameters()} <= trained
    assert all(id(p) in trained for head in heads for p in head.parameters())
    assert not any(id(p) in trained for p in gan.generator.parameters())

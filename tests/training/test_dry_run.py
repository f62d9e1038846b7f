"""`check`: what it counts and shows, and that it needs no data."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration, load
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.errors import RunFailedError, UserError
from ganzoo.gan.build import build_gan
from ganzoo.training import dry_run, train_state


def load_with(recipe: Path, *overrides: str) -> Configuration[Experiment]:
    return load(recipe, overrides=overrides)


def test_parameters_are_those_of_the_networks_built_directly(tiny_recipe):
    configuration = load_with(tiny_recipe)
    gan = build_gan(configuration.experiment, configuration.experiment.dataset().spec())
    counts = dry_run.dry_run(configuration).num_parameters
    num_d, num_head = (sum(p.numel() for p in m.parameters()) for m in (gan.discriminator, gan.tasks["rotation"]))
    assert counts == {
        "generator": sum(p.numel() for p in gan.generator.parameters()),
        "discriminator": num_d,
        "discriminator, heads of rotation": num_head,
        "discriminator with heads": num_d + num_head,
    }
    # A linear layer from D's features to four classes.
    assert num_head == 4 * gan.discriminator.feature_dim + 4


def test_shapes_are_the_recipes(tiny_recipe):
    shapes = dry_run.dry_run(load_with(tiny_recipe)).shapes
    assert shapes["generator: latent"] == (8,)
    assert shapes["generator: image"] == (1, 16, 16)
    assert shapes["discriminator: logit"] == ()
    assert len(shapes["discriminator: tap block0"]) == 3


def test_both_losses_are_finite_and_every_task_is_tried(tiny_recipe):
    parts = dry_run.dry_run(load_with(tiny_recipe)).parts
    assert {"d/loss", "g/loss", "d/rotation/loss", "g/rotation/loss", "d/rotation/accuracy_real"} <= parts.keys()
    assert all(torch.isfinite(torch.tensor(value)) for value in parts.values())


def test_the_batch_is_small_whatever_the_recipes(tiny_recipe):
    assert dry_run.dry_run(load_with(tiny_recipe, "experiment.batch_size = 4096")).batch_size == 8
    assert dry_run.dry_run(load_with(tiny_recipe, "experiment.batch_size = 4")).batch_size == 4


def test_the_batch_grows_until_every_task_accepts_it(tiny_recipe, monkeypatch):
    monkeypatch.setattr(dry_run, "SMALLEST_BATCH", 6)
    assert dry_run.dry_run(load_with(tiny_recipe, "experiment.batch_size = 64")).batch_size == 8


def test_a_batch_that_the_recipes_task_refuses_is_the_users_mistake(tiny_recipe):
    with pytest.raises(UserError, match="multiple of 4"):
        dry_run.dry_run(load_with(tiny_recipe, "experiment.batch_size = 6"))


def test_a_conditional_recipe_shows_labels_to_both_networks(tiny_recipe):
    conditional = dry_run.dry_run(load_with(tiny_recipe, "experiment.conditioning = @conditioning.projection"))
    unconditional = dry_run.dry_run(load_with(tiny_recipe))
    for network in ("generator", "discriminator"):
        assert conditional.num_parameters[network] > unconditional.num_parameters[network]


def test_no_data_set_is_loaded(tiny_recipe, monkeypatch):
    configuration = load_with(tiny_recipe)

    def load_nothing(*_arguments: object) -> None:
        raise AssertionError("check loads data")

    monkeypatch.setattr(configuration.experiment.dataset.component, "load", load_nothing)
    dry_run.dry_run(configuration)


def test_an_infinite_loss_is_a_failure(tiny_recipe, monkeypatch):
    configuration = load_with(tiny_recipe)
    steps = train_state.d_step

    def infinite(*arguments: object, **options: object):
        output = steps(*arguments, **options)  # type: ignore[arg-type]
        return replace(output, parts={**output.parts, "d/loss": torch.tensor(float("inf"))})

    monkeypatch.setattr(train_state, "d_step", infinite)
    with pytest.raises(RunFailedError, match="d/loss is NaN or infinite"):
        dry_run.dry_run(configuration)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("metrics.ms_ssim.reference_split = 'foo'", "reference_split is 'foo'"),
        ("metrics.ms_ssim.num_real = 5000", "lower metrics.ms_ssim.num_real"),
        ("experiment.metrics = [@metrics.intra_class_frechet_distance]", "class"),
    ],
)
def test_a_metric_that_the_run_could_not_compute_is_refused(tiny_recipe, override, said):
    overrides = ["experiment.metrics = [@metrics.ms_ssim]", override]
    if "intra_class" in override:
        overrides = [override, "metrics.intra_class_frechet_distance.features = @features.efficientnet_lite0"]
    with pytest.raises(UserError) as error:
        dry_run.dry_run(load_with(tiny_recipe, *overrides))
    assert said in str(error.value)
    assert str(error.value).startswith("--set 'experiment.metrics")


def test_checking_leaves_the_global_random_stream_alone(tiny_recipe):
    configuration = load_with(tiny_recipe)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    dry_run.dry_run(configuration)
    assert torch.equal(torch.rand(3), expected)


RECIPES = sorted(path.stem for path in recipes_dir().glob("*.gin"))
PUBLISHED = {  # parameters of G and of D with its heads, at 32 px in colour
    "uncond_resnet": (4_276_739, 1_053_825),
    "ssgan_resnet": (4_276_739, 1_054_341),
    "ssgan_annealed_resnet": (4_276_739, 1_054_341),
    "cond_resnet": (4_304_387, 1_055_105),
}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", PUBLISHED)
def test_a_recipe_of_published_networks_has_their_parameters_and_takes_two_finite_steps(recipe):
    report = dry_run.dry_run(load_with(recipe))
    assert all(torch.isfinite(torch.tensor(value)) for value in report.parts.values())
    counts = report.num_parameters
    assert (counts["generator"], counts.get("discriminator with heads", counts["discriminator"])) == PUBLISHED[recipe]


@pytest.mark.parametrize("recipe", sorted(set(RECIPES) - set(PUBLISHED)))
def test_every_other_recipe_takes_two_finite_steps_with_narrow_networks(recipe):
    report = dry_run.dry_run(load_with(recipe, "G_WIDTH = 4", "D_WIDTH = 4"))
    assert all(torch.isfinite(torch.tensor(value)) for value in report.parts.values())

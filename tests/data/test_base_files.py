"""The gin files of data sets: what a recipe that includes one is given. The values are typed here, not read there."""

from pathlib import Path

import pytest

from ganzoo.config.load import load

RECIPE = """
include 'base/{name}.gin'
include 'base/resnet_32.gin'
"""
SPLITS = {"tiny_imagenet_64": "val", "imagenet_128": "val", "stl10_48": "unlabeled"}
STEPS = {"imagenet_128": 1_000_000}
IMAGES = {"celeba_hq_128": 3_000}
SPECS = {
    "cifar10": ("data.cifar10", 32, 10, 50_000),
    "cifar100": ("data.cifar100", 32, 100, 50_000),
    "svhn": ("data.svhn", 32, 10, 73_257),
    "stl10_48": ("data.stl10", 48, 10, 100_000),
    "celeba_64": ("data.celeba", 64, 0, 162_770),
    "celeba_hq_128": ("data.celeba_hq", 128, 0, 27_000),
    "lsun_bedroom_128": ("data.lsun", 128, 0, None),
    "tiny_imagenet_64": ("data.tiny_imagenet", 64, 200, 100_000),
    "imagenet_128": ("data.imagenet", 128, 1000, 1_281_167),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_base_file_has_the_papers_training_and_evaluation(name: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.gin"
    recipe.write_text(RECIPE.format(name=name))
    configuration = load(recipe)
    experiment = configuration.experiment
    dataset, size, num_classes, num_images = SPECS[name]
    spec = experiment.dataset().spec()
    assert experiment.dataset.name == dataset
    assert (spec.image_shape, spec.num_classes) == ((3, size, size), num_classes)
    assert spec.num_images[experiment.train_split] == num_images
    assert experiment.num_steps == STEPS.get(name, 100_000)
    assert (experiment.num_d_steps, experiment.batch_size) == (2, 64)
    found = {key: value for key, value, _ in configuration.resolved}
    num = str(IMAGES.get(name, 10_000))
    for metric, part in zip(("frechet_distance", "kernel_distance"), experiment.metrics, strict=True):
        assert found[f"metrics.{metric}.reference_split"] == repr(SPLITS.get(name, "test"))
        assert found[f"metrics.{metric}.num_real"] == found[f"metrics.{metric}.num_fake"] == num
        part().check_data(spec)


def test_crops_are_those_of_the_authors_code(tmp_path: Path) -> None:
    crops = {}
    for name in ("celeba_64", "lsun_bedroom_128"):
        (tmp_path / "recipe.gin").write_text(RECIPE.format(name=name))
        crops[name] = load(tmp_path / "recipe.gin").experiment.dataset.arguments["crop_size"]
    assert crops == {"celeba_64": 160, "lsun_bedroom_128": 128}


def test_a_part_of_a_base_files_data_set_stands_in_the_operative_configuration(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.gin"
    bindings = "experiment.dataset = @data.subset\ndata.subset:\n    dataset = @data.cifar10\n    num_images = 1_000\n"
    recipe.write_text(RECIPE.format(name="cifar10") + bindings)
    operative = load(recipe).operative()
    for line in ("experiment.dataset = @data.subset", "data.subset.dataset = @data.cifar10", "num_images = 1000"):
        assert line in operative
    (tmp_path / "other.gin").write_text(operative)
    assert load(tmp_path / "other.gin").operative() == operative

"""What every metric refuses in the same words."""

import pytest

from ganzoo import registry
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.base import Metric

PIXELS = registry.part("features.pixels", size=4)


@pytest.mark.parametrize(
    ("name", "arguments", "parameter"),
    [
        ("frechet_distance", {"features": PIXELS, "num_real": 51, "allow_singular": True}, "num_real"),
        ("kernel_distance", {"features": PIXELS, "num_real": 51, "subset_size": 9}, "num_real"),
        ("ms_ssim", {"num_real": 51}, "num_real"),
        ("discriminator_memory", {"num_real": 51}, "num_real"),
        ("linear_probe", {"num_train": 51}, "num_train"),
        (
            "classification_accuracy",
            {"features": PIXELS, "num_real": 50, "num_fake": 51, "reference_split": "test", "baseline_split": "train"},
            "num_fake",
        ),
    ],
)
def test_a_split_of_too_few_images_is_refused_naming_what_to_lower(
    name: str, arguments: dict[str, object], parameter: str
) -> None:
    metric = registry.part(f"metrics.{name}", **arguments)()
    assert isinstance(metric, Metric)
    sentence = rf"metrics\.{name} asks for 51 images of the split 'train', which has 50; lower .*\.{parameter}"
    with pytest.raises(UserError, match=sentence):
        metric.check_data(DataSpec((1, 16, 16), 2, {"train": 50, "test": 90_000}))
    # Where only the files tell how many there are, they decide.
    metric.check_data(DataSpec((1, 16, 16), 2, {"train": None, "test": None}))

"""A forgetting experiment of seconds: two classes of noise, two updates a task."""

from pathlib import Path

import pytest

RECIPE = """# Forgetting on noise.
forgetting:
    dataset = @data.synthetic
    discriminator = @architectures.resnet_discriminator
    loss = @losses.non_saturating
    d_optimizer = @optim.adam
    pretext = [@pretext.rotation]
    remedies = [@remedies.reservoir, @remedies.elastic_weight_consolidation]
    batch_size = 8
    num_steps_per_task = 2
    eval_every = 1
    num_test_images = 8
    num_threads = 1
data.synthetic.size = 16
data.synthetic.channels = 1
data.synthetic.num_classes = 2
data.synthetic.num_images = 30
architectures.resnet_discriminator.width = 4
architectures.resnet_discriminator.normalization = @normalizations.none
remedies.elastic_weight_consolidation.num_fisher_images = 3
remedies.reservoir.capacity = 20
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "noise.gin"
    path.write_text(RECIPE)
    return path

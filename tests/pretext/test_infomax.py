"""InfoMax-GAN on hand-made features; it reads D's taps and adds no view."""

import math

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import TaskOutputs, ViewOutput
from ganzoo.pretext.infomax import Projection, info_nce, infomax
from ganzoo.testing.trial import Trial

TAPS = {"block0": (4, 4, 4), "block1": (3, 2, 2), "block2": (5, 2, 2)}


def make(**options: object) -> infomax:
    runtime_args = {"feature_dim": 5, "tap_shapes": TAPS, "batch_size": 3, "num_steps": 5}
    return infomax(layers=LayerFactory(spectral_norm=False), **runtime_args, **options)  # type: ignore[arg-type]


def softmax_by_hand(local_NPR: Tensor, global_NR: Tensor) -> float:
    num, positions, width = local_NPR.shape
    total = 0.0
    for i in range(num):

        def score(j: int, q: int, i: int = i) -> float:
            return math.exp(sum(float(global_NR[i, r] * local_NPR[j, q, r]) for r in range(width)))

        others = sum(score(j, q) for j in range(num) if j != i for q in range(positions))
        total -= sum(math.log(score(i, p) / (score(i, p) + others)) for p in range(positions))
    return total / (num * positions)


def test_the_loss_is_the_mean_of_a_softmax_over_one_own_and_all_other_images_places() -> None:
    rng = torch.Generator().manual_seed(0)
    local_NPR, global_NR = torch.randn(3, 4, 2, generator=rng), torch.randn(3, 2, generator=rng)
    assert float(info_nce(local_NPR, global_NR)) == pytest.approx(softmax_by_hand(local_NPR, global_NR), rel=1e-5)


def test_vectors_that_say_nothing_cost_the_log_of_the_number_of_places() -> None:
    loss = info_nce(torch.zeros(3, 4, 2), torch.zeros(3, 2))
    assert float(loss) == pytest.approx(math.log(1 + 2 * 4))


def test_a_projection_is_two_layers_beside_one() -> None:
    projection = Projection(1, 1, LayerFactory(spectral_norm=False))
    with torch.no_grad():
        for layer, weight, bias in ((projection.hidden, 2.0, -1.0), (projection.output, 3.0, 0.5)):
            layer.weight.fill_(weight)
            layer.bias.fill_(bias)
        projection.shortcut.weight.fill_(10.0)
    # 3 max(0, 2 x - 1) + 0.5 + 10 x
    torch.testing.assert_close(projection(torch.tensor([[2.0], [-1.0]])), torch.tensor([[29.5], [-9.5]]))


def test_d_learns_it_on_real_images_and_g_on_fakes_from_the_last_tap_but_one() -> None:
    task = make(alpha=0.3, beta=0.4, joint_dim=2, alpha_schedule="linear")
    assert task.taps == ("block1",)
    rng = torch.Generator().manual_seed(1)

    def seen() -> ViewOutput:
        output = DiscriminatorOutput(
            torch.zeros(3), torch.randn(3, 5, generator=rng), {"block1": torch.randn(3, 3, 2, 2, generator=rng)}
        )
        return ViewOutput(ImageBatch(torch.zeros(3, 1, 8, 8)), output)

    real, fake = seen(), seen()
    outputs = TaskOutputs(fake, real, {})
    for result, group, weight in (
        (task.d_terms(outputs, step=2), real, 0.4),
        (task.g_terms(outputs, step=2), fake, 0.15),
    ):
        with torch.no_grad():
            # Places in the order of rows and columns, each with its channels last.
            local_NPR = task.local_head(group.output.taps["block1"].permute(0, 2, 3, 1).reshape(3, 4, 3))
            expected = softmax_by_hand(local_NPR, task.global_head(group.output.features_NF))
        assert result.terms[0].value.item() == pytest.approx(expected, rel=1e-5)
        assert result.terms[0].weight == pytest.approx(weight)


def test_two_steps_train_it_and_show_d_no_image_more() -> None:
    trial = Trial(registry.part("pretext.infomax", joint_dim=8), batch_size=8)  # type: ignore[arg-type]
    name = "global_head.hidden.parametrizations.weight.original"
    before = trial.task.state_dict()[name].clone()
    parts = trial.train(range(2))
    assert all(torch.isfinite(value) for value in parts.values())
    assert not torch.equal(before, trial.task.state_dict()[name])
    output = trial.d_step(2)
    assert output.num_d_images == 16
    expected = output.parts["d/adversarial"] + 0.2 * output.parts["d/task/loss"]
    torch.testing.assert_close(output.loss.detach(), expected)


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        make(alpha=-1.0)
    with pytest.raises(ValueError, match="joint_dim"):
        make(joint_dim=0)
    with pytest.raises(ValueError, match="a single tap"):
        infomax(
            feature_dim=5,
            tap_shapes={"block0": (4, 4, 4)},
            batch_size=3,
            num_steps=5,
            layers=LayerFactory(spectral_norm=False),
        )

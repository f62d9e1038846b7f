"""Elastic weight consolidation of a discriminator whose Fisher information can be written down."""

from collections.abc import Collection
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.config.load import load
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.penalties.ewc import ewc
from ganzoo.runs.folder import RunFolder, read_rows
from ganzoo.runs.monitor import Silent
from ganzoo.training.trainer import train


class Logistic(Discriminator):
    """logit(x) = <w, x>; it counts the images it sees."""

    uses_batch_statistics = False

    def __init__(self, w: list[float]) -> None:
        super().__init__()
        self.w, self.num_seen = nn.Parameter(torch.tensor(w)), 0

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        self.num_seen += len(images_NCHW)
        features_NF = images_NCHW.flatten(1)
        return DiscriminatorOutput(features_NF @ self.w, features_NF)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(seed: int) -> ImageBatch:
    return ImageBatch(torch.rand(6, 1, 1, 2, generator=rng(seed)) * 2 - 1)


def fisher(w: Tensor, batch: ImageBatch) -> Tensor:
    """E[p (1 - p) x^2], of logistic regression."""
    x_NF = batch.images_NCHW.flatten(1)
    p_N = torch.sigmoid(x_NF @ w)
    return ((p_N * (1 - p_N))[:, None] * x_NF.square()).mean(0)


def make(d: Discriminator, **options: float) -> ewc:
    return ewc(parameter_shapes=parameter_shapes(d), **options)  # type: ignore[arg-type]


def test_two_tasks_give_the_sum_of_two_quadratics_the_older_one_decayed() -> None:
    d = Logistic([0.5, -2.0])
    penalty = make(d, weight=8.0, consolidate_every=2, num_fisher_images=8, decay=0.25)
    # Task 1 ends after update 2, at these weights and on the last batch: 4 of its images of each kind.
    assert penalty.after_d_step(d, images(1), images(2)) == 0
    assert penalty.after_d_step(d, images(3), images(4)) == d.num_seen == 8
    first_w = d.w.detach().clone()
    first = (fisher(first_w, images(3)[:4]) + fisher(first_w, images(4)[:4])) / 2
    assert float(penalty(d, images(1), images(2), rng=rng()).detach()) == 0.0

    d.w.data = torch.tensor([1.0, 0.3])
    value = penalty(d, images(1), images(2), rng=rng())
    torch.testing.assert_close(value, 8.0 / 2 * (first * (d.w - first_w).square()).sum())

    # Task 2 ends after update 4.
    penalty.after_d_step(d, images(5), images(6))
    penalty.after_d_step(d, images(7), images(8))
    second_w = d.w.detach().clone()
    second = (fisher(second_w, images(7)[:4]) + fisher(second_w, images(8)[:4])) / 2
    d.w.data = torch.tensor([-0.4, 2.0])
    expected = 8.0 / 2 * (0.25 * first * (d.w - first_w).square() + second * (d.w - second_w).square()).sum()
    value = penalty(d, images(1), images(2), rng=rng())
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, d.w), torch.autograd.grad(expected, d.w))


def test_in_the_first_task_there_is_no_penalty_and_no_image_is_seen_for_it() -> None:
    d = Logistic([0.5, -2.0])
    penalty = make(d)
    assert float(penalty(d, images(1), images(2), rng=rng()).detach()) == 0.0
    assert penalty.num_d_images(64) == d.num_seen == 0


def test_a_saved_state_goes_on_in_the_middle_of_a_task() -> None:
    d = Logistic([0.5, -2.0])
    first, second = make(d, consolidate_every=3), make(d, consolidate_every=3)
    for step in range(5):
        first.after_d_step(d, images(step), images(10 + step))
    second.load_state_dict(first.state_dict())
    d.w.data += 1
    assert first.after_d_step(d, images(5), images(6)) == second.after_d_step(d, images(5), images(6)) == 12
    d.w.data += 1
    values = [penalty(d, images(1), images(2), rng=rng()) for penalty in (first, second)]
    assert torch.equal(*values)
    assert float(values[0].detach()) > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weight": -1.0}, "weight must not be negative"),
        ({"consolidate_every": 0}, "consolidate_every must be at least 1"),
        ({"num_fisher_images": 0}, "num_fisher_images must be even and at least 2"),
        ({"num_fisher_images": 65}, "num_fisher_images must be even"),
        ({"decay": 1.5}, r"decay must lie in \[0, 1\]"),
    ],
)
def test_a_setting_without_meaning_is_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make(Logistic([1.0, 1.0]), **options)


def test_a_run_in_bfloat16_ends_its_tasks(tiny_recipe: Path, tmp_path: Path) -> None:
    overrides = [
        "experiment.precision = 'bfloat16'",
        "experiment.num_steps = 1",
        "experiment.penalty = @penalties.ewc",
        "penalties.ewc.consolidate_every = 1",
    ]
    train(load(str(tiny_recipe), overrides=overrides), out=tmp_path / "run", monitor=Silent())
    (row,) = read_rows(RunFolder(tmp_path / "run").metrics_path)[-1:]
    assert row["step"] == 1

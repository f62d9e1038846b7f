"""Checks of remedies against forgetting. N: batch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.component import Part
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.pretext.base import LossTerm
from ganzoo.randomness import Streams, initialization
from ganzoo.remedies.base import Examples, Remedy
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import equal, make_images, snapshot
from ganzoo.testing.toys import IMAGE_SHAPE, ToyDiscriminator

BATCH_SIZE, NUM_STEPS, NUM_STEPS_PER_TASK = 8, 6, 2


class Lesson:
    """A toy discriminator that learns one task after another, with the remedy.

    Args:
        part: the remedy.
    """

    def __init__(self, part: Part[Remedy]) -> None:
        with initialization(0, "network"):
            self.network = ToyDiscriminator(image_shape=IMAGE_SHAPE)
        shapes = parameter_shapes(self.network)
        self.remedy = part(image_shape=IMAGE_SHAPE, parameter_shapes=shapes, batch_size=BATCH_SIZE)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01)
        self.rng = Streams(0)

    def fresh(self, step: int, num: int = BATCH_SIZE) -> Examples:
        """Return the fresh examples of a step, half of them positive."""
        return Examples(make_images(num, shape=IMAGE_SHAPE, seed=100 + step), torch.arange(num) % 2 == 0)

    def loss(self, examples: Examples, terms: Sequence[LossTerm]) -> Tensor:
        """Return a loss with the remedy's terms in it."""
        logits_N = self.network(examples.batch.images_NCHW).logits_N
        signs_N = examples.is_positive_N.float() * 2 - 1
        return torch.stack([(logits_N - signs_N).square().mean(), *(t.weight * t.value for t in terms)]).sum()

    def train(self, steps: range) -> None:
        """Take steps with updates; every second one ends a task."""
        for step in steps:
            fresh = self.fresh(step)
            loss = self.loss(self.remedy.mix(fresh, rng=self.rng["mix"]), self.remedy.terms(self.network))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.remedy.after_step(fresh, rng=self.rng["after_step"])
            if (step + 1) % NUM_STEPS_PER_TASK == 0:
                self.remedy.after_task(self.network, self.fresh(1000 + step, self.remedy.num_task_examples))


def check_remedy(part: Part[Remedy], findings: Findings) -> None:
    """Check the batches it makes, its terms, what it leaves alone, and the round trip of its state."""
    lesson = Lesson(part)
    with findings.guard("training") as at, at.no_global_rng():
        lesson.train(range(NUM_STEPS))
    for name, check in {"mix": _check_mix, "terms": _check_terms, "after_task": _check_after_task}.items():
        with findings.guard(name) as at:
            check(lesson, at)
    with findings.guard("state"):
        _check_state(part, findings)


def _check_mix(lesson: Lesson, findings: Findings) -> None:
    fresh = lesson.fresh(0)
    original_NCHW = fresh.batch.images_NCHW.clone()
    mixed = lesson.remedy.mix(fresh, rng=Streams(1)["mix"])
    images_NCHW, is_positive_N = mixed.batch.images_NCHW, mixed.is_positive_N
    findings.expect(
        torch.equal(images_NCHW[:BATCH_SIZE], original_NCHW)
        and torch.equal(is_positive_N[:BATCH_SIZE], fresh.is_positive_N),
        "the batch does not begin with the fresh examples as they were given",
        "put earlier examples behind them, and work on new tensors",
    )
    findings.expect(
        is_positive_N.dtype == torch.bool and is_positive_N.shape == (len(images_NCHW),),
        f"is_positive_N is {is_positive_N.dtype} of shape {tuple(is_positive_N.shape)} for {len(images_NCHW)} images",
        "return one bool for each image",
    )
    findings.expect_finite({"an image": images_NCHW})
    again = lesson.remedy.mix(fresh, rng=Streams(1)["mix"])
    remedy = "let all randomness come from `rng`, and change state in after_step and after_task alone"
    findings.expect_repeated(images_NCHW, again.batch.images_NCHW, remedy=remedy)


def _check_terms(lesson: Lesson, findings: Findings) -> None:
    names = []
    for term in lesson.remedy.terms(lesson.network):
        names.append(term.name)
        at = findings.at(f"term '{term.name}'")
        at.expect_finite({"its value": term.value})
        at.expect_scalar(term.value)
        at.expect(term.value.requires_grad, "no gradient flows to the network", "compute it from its parameters")
    findings.expect(len(set(names)) == len(names), f"names are not unique: {names}", "give each its own")


def _check_after_task(lesson: Lesson, findings: Findings) -> None:
    network = lesson.network
    network.zero_grad(set_to_none=True)
    before = snapshot(network)
    lesson.remedy.after_task(network, lesson.fresh(0, lesson.remedy.num_task_examples))
    findings.expect(
        equal(before, snapshot(network)) and all(p.grad is None for p in network.parameters()),
        "it changes the network's weights, buffers or gradients",
        "only look: use torch.autograd.grad, and buffers of its own",
    )


def _check_state(part: Part[Remedy], findings: Findings) -> None:
    whole, first, second = Lesson(part), Lesson(part), Lesson(part)
    whole.train(range(NUM_STEPS))
    # In the middle of a task and after a task has ended.
    first.train(range(NUM_STEPS // 2))
    second.network.load_state_dict(snapshot(first.network))
    second.remedy.load_state_dict(snapshot(first.remedy))
    second.rng.load_state_dict(first.rng.state_dict())
    second.train(range(NUM_STEPS // 2, NUM_STEPS))
    findings.expect_resumed(
        equal(snapshot(whole.network), snapshot(second.network))
        and equal(snapshot(whole.remedy), snapshot(second.remedy)),
        remedy="keep what changes in buffers of a fixed shape",
    )

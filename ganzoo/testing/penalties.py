"""Checks of penalties. N: batch."""

import torch
from torch import Tensor

from ganzoo.batch import ImageBatch
from ganzoo.component import Part
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.penalties.base import Penalty
from ganzoo.randomness import Streams, initialization
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import LARGE_BATCH, equal, hide_labels, make_images, make_rng, snapshot
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator

NUM_CLASSES, BATCH_SIZE, NUM_STEPS = 3, 8, 4


class CountingDiscriminator(ToyDiscriminator):
    """A toy that counts the images it sees.

    Args:
        num_classes: K.
    """

    def __init__(self, *, num_classes: int) -> None:
        super().__init__(num_classes=num_classes)
        self.num_seen = 0
        self.register_forward_pre_hook(self._count)

    def _count(self, module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.num_seen += len(inputs[0])


class Trial:
    """A toy discriminator that is trained with the penalty.

    Args:
        part: the penalty.
        num_classes: K of a conditional discriminator, or 0.
        batch_size: real images, and fakes, of a step.
    """

    def __init__(self, part: Part[Penalty], num_classes: int, *, batch_size: int = BATCH_SIZE) -> None:
        self.num_classes, self.batch_size = num_classes, batch_size
        with initialization(0, "discriminator"):
            self.discriminator = CountingDiscriminator(num_classes=num_classes)
        self.penalty = part(parameter_shapes=parameter_shapes(self.discriminator))
        self.optimizer = torch.optim.SGD(self.discriminator.parameters(), lr=0.01)
        self.rng = Streams(0)

    def images(self, step: int) -> tuple[ImageBatch, ImageBatch]:
        """Return real and generated images of a step."""
        real, fake = (
            make_images(self.batch_size, num_classes=self.num_classes, seed=seed + step) for seed in (100, 200)
        )
        return hide_labels(real), ImageBatch(fake.images_NCHW, fake.labels_N, torch.zeros(self.batch_size, 6))

    def value(self, images: tuple[ImageBatch, ImageBatch], *, rng: torch.Generator) -> Tensor:
        """Return the penalty at real and generated images."""
        penalty: Tensor = self.penalty(self.discriminator, *images, rng=rng)
        return penalty

    def after_d_step(self, step: int) -> int:
        """Let the penalty act after the update on a step's images."""
        real, fake = self.images(step)
        return self.penalty.after_d_step(self.discriminator, real, fake)

    def train(self, steps: range) -> None:
        """Update the discriminator on a mean difference of logits and the penalty."""
        for step in steps:
            real, fake = self.images(step)
            logits = [self.discriminator(images.images_NCHW, images.labels_N).logits_N for images in (real, fake)]
            loss = logits[1].mean() - logits[0].mean() + self.value((real, fake), rng=self.rng["penalty"])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.after_d_step(step)


def check_penalty(part: Part[Penalty], findings: Findings) -> None:
    """Check value, gradients, randomness, the count of images and the state, with and without labels."""
    findings.at("class").expect(
        part.component.__call__ is Penalty.__call__,
        "it overrides __call__, so that a module's hooks are passed by",
        "define forward",
    )
    for num_classes, batch_size in ((0, BATCH_SIZE), (NUM_CLASSES, BATCH_SIZE), (0, LARGE_BATCH)):
        kind = "conditional" if num_classes else "unconditional"
        with findings.guard(f"penalty of a {kind} discriminator at batch {batch_size}") as at:
            _check_value(Trial(part, num_classes, batch_size=batch_size), at)
    for num_classes in (0, NUM_CLASSES):
        with findings.guard("after_d_step") as at:
            _check_after_d_step(Trial(part, num_classes), at)
    with findings.guard("g_penalty") as at:
        _check_g_penalty(Trial(part, 0).penalty, at)
    with findings.guard("state"):
        _check_state(part, findings)


def _check_value(trial: Trial, findings: Findings) -> None:
    for num_steps in (0, NUM_STEPS):
        # A penalty may depend on what was before.
        trial.train(range(num_steps))
        discriminator, before = trial.discriminator, snapshot(trial.discriminator)
        discriminator.num_seen = 0
        images = trial.images(0)
        with findings.no_global_rng():
            value = trial.value(images, rng=make_rng())
        for given, original in zip(images, trial.images(0), strict=True):
            findings.expect_kept(given.images_NCHW, original.images_NCHW, "the images it is given")
        findings.expect_finite({"it": value})
        findings.expect_scalar(value)
        findings.expect(float(value.detach()) >= 0, "it is negative", "a penalty is to be made small, at least 0")
        num_said = trial.penalty.num_d_images(trial.batch_size)
        findings.at("num_d_images").expect(
            discriminator.num_seen == num_said,
            f"it says {num_said} for {trial.batch_size} images and the discriminator saw {discriminator.num_seen}",
            "return how many images the discriminator sees for it",
        )
        remedy = "let all randomness come from `rng`, and change state in after_d_step alone"
        findings.expect_repeated(value, trial.value(trial.images(0), rng=make_rng()), remedy=remedy)
        trial.optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in discriminator.parameters() if p.grad is not None]
        findings.expect(
            float(value.detach()) == 0 or any(bool(g.any()) for g in gradients),
            "the discriminator gets no gradient from it",
            "differentiate with create_graph=True",
        )
        findings.expect_finite({f"gradient {i} of D": g for i, g in enumerate(gradients)})
        findings.expect(
            equal(before, snapshot(discriminator)),
            "it changes the discriminator's weights or buffers",
            "only compute; the step updates D",
        )


def _check_after_d_step(trial: Trial, findings: Findings) -> None:
    discriminator = trial.discriminator
    for step in range(NUM_STEPS):
        discriminator.zero_grad(set_to_none=True)
        before, discriminator.num_seen = snapshot(discriminator), 0
        with findings.no_global_rng():
            num_said = trial.after_d_step(step)
        findings.expect(
            num_said == discriminator.num_seen,
            f"it says {num_said} images and the discriminator saw {discriminator.num_seen}",
            "return how many images it let the discriminator see",
        )
        findings.expect(
            equal(before, snapshot(discriminator)) and all(p.grad is None for p in discriminator.parameters()),
            "it changes the discriminator's weights, buffers or gradients",
            "only look: use torch.autograd.grad, and buffers of its own",
        )


def _check_g_penalty(penalty: Penalty, findings: Findings) -> None:
    with initialization(0, "generator"):
        generator = ToyGenerator()
    value = penalty.g_penalty(generator)
    if value is None:
        return
    findings.expect_finite({"it": value})
    findings.expect_scalar(value)
    findings.expect(
        value.requires_grad, "no gradient flows to the generator", "compute it from its parameters, or return None"
    )


def _check_state(part: Part[Penalty], findings: Findings) -> None:
    whole, first, second = Trial(part, 0), Trial(part, 0), Trial(part, 0)
    whole.train(range(NUM_STEPS))
    first.train(range(NUM_STEPS // 2))
    second.discriminator.load_state_dict(snapshot(first.discriminator))
    second.penalty.load_state_dict(snapshot(first.penalty))
    second.rng.load_state_dict(first.rng.state_dict())
    second.train(range(NUM_STEPS // 2, NUM_STEPS))
    findings.expect_resumed(
        equal(snapshot(whole.discriminator), snapshot(second.discriminator))
        and equal(snapshot(whole.penalty), snapshot(second.penalty)),
        remedy="call super().__init__(), and keep what changes in buffers of a fixed shape",
    )

"""Checks of pretext tasks: both steps on toy networks, as in training. N: batch."""

from collections.abc import Callable

import torch

from ganzoo.component import Part
from ganzoo.errors import UserError
from ganzoo.pretext.base import PretextTask, Role, TaskOutputs, TaskResult, View
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import (
    BFLOAT16,
    bfloat16,
    equal,
    expect_all_trained,
    expect_finite,
    expect_untouched,
    no_global_rng,
    snapshot,
)
from ganzoo.testing.toys import IMAGE_SHAPE, NUM_STEPS
from ganzoo.testing.trial import TASK, Trial, WatchedTrial

ROLES: tuple[Role, Role] = ("d", "g")
BATCH_SIZES = (8, 64, 16, 12, 10, 18, 14, 60)
NUM_CLASSES = 3
DECLARED = ("replaces_adversarial", "needs_adversarial", "uses_real_in_g_step", "needs_upright")


def check_pretext(part: Part[PretextTask], findings: Findings) -> None:
    """Check a task in both steps, with and without labels, at the first batch sizes it accepts."""
    sizes = accepted_batch_sizes(part)
    if not sizes:
        findings.add(
            "constructor", f"it refuses every batch size of {list(BATCH_SIZES)}", _refusal(part, BATCH_SIZES[1])
        )
        return
    for batch_size in sizes[:2]:
        for num_classes in (0, NUM_CLASSES):
            kind = "a conditional" if num_classes else "an unconditional"
            where = f"{kind} GAN at batch {batch_size}"
            with findings.guard(f"views of {where}"):
                _check_views(Trial(part, batch_size=batch_size, num_classes=num_classes), findings, where)
            with findings.guard(f"steps of {where}"):
                _check_steps(Trial(part, batch_size=batch_size, num_classes=num_classes), findings, where)
    smallest = min(sizes)
    if not part.arguments:
        _check_declared(part.component, Trial(part, batch_size=smallest).task, findings)
    with findings.guard("a discriminator with batch normalization"):
        Trial(part, batch_size=smallest, batch_norm=True).train(range(1))
    with findings.guard("repetition and state"):
        _check_state(part, smallest, findings)
    for role in ROLES:
        with findings.guard(f"adversarial term in the step of {role.upper()}"):
            _check_adversarial(part, smallest, role, findings)
    with findings.guard("after_step"):
        watched = WatchedTrial(part, batch_size=smallest)
        watched.train(range(1))
        findings.expect(
            not watched.is_meddling,
            "after_step",
            "it changes the generator or the discriminator",
            "change the task's own heads and buffers alone; the optimizers update the networks",
        )
    with findings.guard(BFLOAT16), bfloat16():
        trial = Trial(part, batch_size=smallest)
        for output in (trial.d_step(0), trial.g_step(0)):
            expect_finite(findings, output.parts, BFLOAT16)
        gradients = {f"the gradient of '{n}'": p.grad for n, p in trial.gan.generator.named_parameters()}
        given = {name: gradient for name, gradient in gradients.items() if gradient is not None}
        expect_finite(findings, given, BFLOAT16)


def _check_declared(component: type[PretextTask], task: PretextTask, findings: Findings) -> None:
    """Check that the class says of itself what a task of default options does, since listings show that."""
    for name in DECLARED:
        said, is_so = getattr(component, name), getattr(task, name)
        findings.expect(
            said == is_so,
            name,
            f"the class says {said} and a task of default options {is_so}",
            f"set `{name} = {is_so}` in the class, and let the constructor set what options change",
        )


def accepted_batch_sizes(part: Part[PretextTask]) -> list[int]:
    """Return which of the batch sizes that are tried a task accepts."""
    return [size for size in BATCH_SIZES if _accepts(part, size)]


def _accepts(part: Part[PretextTask], batch_size: int) -> bool:
    try:
        Trial(part, batch_size=batch_size)
    except UserError:
        return False
    return True


def _refusal(part: Part[PretextTask], batch_size: int) -> str:
    try:
        Trial(part, batch_size=batch_size)
    except UserError as error:
        return f"at {batch_size} it says: {error}"
    return ""


def _check_views(trial: Trial, findings: Findings, where: str) -> None:
    unknown = [tap for tap in trial.task.taps if tap not in trial.gan.discriminator.tap_shapes]
    findings.expect(not unknown, "taps", f"D has no tap {unknown}", "choose among the names of `tap_shapes`")
    of_d = {id(p) for p in trial.gan.discriminator.parameters()}
    findings.expect(
        not any(id(p) in of_d for p in trial.task.parameters()),
        "constructor",
        "it keeps the discriminator among its submodules, whose weights would be trained and saved twice",
        "keep a copy (ganzoo.layers.momentum_copy.MomentumCopy), or use what after_step and the views hand over",
    )
    for role in ROLES:
        at = f"views of {where}, role '{role}'"
        with no_global_rng(findings, at):
            (views, is_unchanged), (again, _) = trial.views(role), trial.views(role)
        findings.expect(is_unchanged, at, "it changes the batch it is given", "make new tensors")
        for (name, view), other in zip(views.items(), again.values(), strict=True):
            findings.expect(
                torch.equal(view.batch.images_NCHW, other.batch.images_NCHW),
                at,
                f"'{name}' does not repeat under an equal generator",
                "draw from `rng` alone",
            )
            _check_view(name, view, trial.num_classes, findings, at)


def _check_view(name: str, view: View, num_classes: int, findings: Findings, where: str) -> None:
    images_NCHW, labels_N = view.batch.images_NCHW, view.batch.labels_N
    findings.expect(
        images_NCHW.shape[1:] == IMAGE_SHAPE and images_NCHW.dtype == torch.float32,
        where,
        f"the images of '{name}' are {tuple(images_NCHW.shape)} {images_NCHW.dtype}, the batch's {IMAGE_SHAPE} float32",
        "keep shape and dtype: D sees all images in one pass",
    )
    expect_finite(findings, {f"'{name}'": images_NCHW}, where)
    findings.expect(
        float(images_NCHW.abs().max()) <= 1 + 1e-4, where, f"images of '{name}' leave [-1, 1]", "clamp or rescale them"
    )
    for what, tensor, is_due in (("class labels", labels_N, bool(num_classes)), ("targets", view.targets_N, False)):
        has_right_length = tensor is not None and len(tensor) == len(images_NCHW)
        findings.expect(
            has_right_length or (tensor is None and not is_due),
            where,
            f"'{name}' has {len(images_NCHW)} images and {'no' if tensor is None else len(tensor)} {what}",
            "give one for each image: of the image it was made from, if it is a class label",
        )


def _check_steps(trial: Trial, findings: Findings, where: str) -> None:
    gan, task = trial.gan, trial.task
    _watch_terms(task, findings, where)
    for role in ROLES:
        at = f"{role}_terms of {where}"
        with no_global_rng(findings, at):
            output = trial.d_step(0) if role == "d" else trial.g_step(0)
        expect_finite(findings, output.parts, at)
        if role == "d":
            expect_untouched(findings, gan.generator.parameters(), at, "the generator")
            expect_all_trained(findings, task, at)
        else:
            expect_untouched(findings, gan.d_parameters(), at, "the discriminator or a head")
            expect_all_trained(findings, gan.generator, at)
        terms = task.d_terms if role == "d" else task.g_terms
        terms(output.task_outputs[TASK], step=NUM_STEPS - 1)


def _watch_terms(task: PretextTask, findings: Findings, where: str) -> None:
    """Let every result of a task be checked before a step sums it up, where a wrong shape is an obscure error."""

    def watched(terms: Callable[..., TaskResult], at: str) -> Callable[..., TaskResult]:
        def checked(outputs: TaskOutputs, *, step: int) -> TaskResult:
            result = terms(outputs, step=step)
            check_result(result, task, findings, at)
            return result

        return checked

    for name in ("d_terms", "g_terms"):
        setattr(task, name, watched(getattr(task, name), f"{name} of {where}"))


def check_result(result: TaskResult, task: PretextTask, findings: Findings, where: str) -> None:
    """Check names, shapes and ranges of what a task returns from a step."""
    names = [term.name for term in result.terms]
    findings.expect(len(set(names)) == len(names), where, f"terms share a name: {names}", "name each differently")
    for term in result.terms:
        findings.expect_scalar(term.value, f"{where}, term '{term.name}'")
        findings.expect(
            0 <= abs(term.weight) < float("inf"),
            where,
            f"the weight of '{term.name}' is {term.weight}",
            "let it be finite",
        )
    for name, value in result.reports.items():
        findings.expect_report(name, value, where)
        if name.startswith("accuracy"):
            findings.expect(0 <= float(value) <= 1, where, f"'{name}' is {float(value)}", "an accuracy lies in [0, 1]")
            findings.expect(
                0 < task.chance.get(name, 0) < 1,
                "chance",
                f"it does not say what guessing reaches in '{name}'",
                f'set self.chance = {{"{name}": 1 / K}}',
            )


def _check_state(part: Part[PretextTask], batch_size: int, findings: Findings) -> None:
    whole, again = Trial(part, batch_size=batch_size), Trial(part, batch_size=batch_size)
    expected = whole.train(range(3))
    findings.expect(
        equal(expected, again.train(range(3))),
        "steps",
        "run twice from the same seed, its values differ",
        "draw from `rng` alone, and build heads from `layers`",
    )
    first = Trial(part, batch_size=batch_size)
    first.train(range(1))
    resumed = Trial(part, batch_size=batch_size, seed=1)
    resumed.gan.load_state_dict(snapshot(first.gan))
    resumed.rng.load_state_dict(first.rng.state_dict())
    continued = resumed.train(range(1, 3))
    findings.expect_resumed(
        equal({name: expected[name] for name in continued if name in expected}, continued),
        remedy="keep what changes (queues, momentum copies, counters) in buffers",
    )


def _check_adversarial(part: Part[PretextTask], batch_size: int, role: Role, findings: Findings) -> None:
    """Check that a task whose views stay out of the adversarial term leaves it as it was."""
    trial, bare = Trial(part, batch_size=batch_size), Trial(None, batch_size=batch_size)
    if trial.task.replaces_adversarial:
        return
    views, _ = Trial(part, batch_size=batch_size).views(role)
    outputs = [t.d_step(0) if role == "d" else t.g_step(0) for t in (trial, bare)]
    with_task, without = (output.parts[f"{role}/adversarial"] for output in outputs)
    findings.expect(
        any(view.adversarial for view in views.values()) or torch.allclose(with_task, without, atol=1e-5),
        f"adversarial term in the step of {role.upper()}",
        "it is another one than without the task",
        "leave networks and batch alone, or mark views that take part with adversarial=True",
    )

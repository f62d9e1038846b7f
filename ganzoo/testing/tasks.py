"""Checks of pretext tasks: both steps on toy networks, as in training. N: batch."""

from collections.abc import Callable

import torch

from ganzoo.component import Part
from ganzoo.errors import UserError
from ganzoo.pretext.base import PretextTask, Role, TaskOutputs, TaskResult, View
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import BFLOAT16, bfloat16, equal, snapshot
from ganzoo.testing.toys import IMAGE_SHAPE, NUM_STEPS
from ganzoo.testing.trial import TASK, Trial, WatchedTrial

ROLES: tuple[Role, Role] = ("d", "g")
BATCH_SIZES = (8, 64, 16, 12, 10, 18, 14, 60)
NUM_CLASSES = 3
DECLARED = ("replaces_adversarial", "needs_adversarial", "uses_real_in_g_step", "needs_upright")


def check_pretext(part: Part[PretextTask], findings: Findings) -> None:
    """Check a task in both steps, with and without labels, at the first batch sizes it accepts."""
    refusals = {size: _refusal(part, size) for size in BATCH_SIZES}
    sizes = [size for size, refusal in refusals.items() if refusal is None]
    if not sizes:
        findings.at("constructor").add(
            f"it refuses every batch size of {list(BATCH_SIZES)}",
            f"at {BATCH_SIZES[1]} it says: {refusals[BATCH_SIZES[1]]}",
        )
        return
    for batch_size in sizes[:2]:
        for num_classes in (0, NUM_CLASSES):
            kind = "a conditional" if num_classes else "an unconditional"
            where = f"{kind} GAN at batch {batch_size}"
            for what, check in (("views", _check_views), ("steps", _check_steps)):
                with findings.guard(f"{what} of {where}"):
                    check(Trial(part, batch_size=batch_size, num_classes=num_classes), findings, where)
    smallest = min(sizes)
    if not part.arguments:
        _check_declared(part.component, Trial(part, batch_size=smallest).task, findings)
    with findings.guard("a discriminator with batch normalization"):
        Trial(part, batch_size=smallest, batch_norm=True).train(range(1))
    with findings.guard("repetition and state"):
        _check_state(part, smallest, findings)
    for role in ROLES:
        with findings.guard(f"adversarial term in the step of {role.upper()}") as at:
            _check_adversarial(part, smallest, role, at)
    with findings.guard("after_step") as at:
        watched = WatchedTrial(part, batch_size=smallest)
        watched.train(range(1))
        at.expect(
            not watched.is_meddling,
            "it changes the generator or the discriminator",
            "change the task's own heads and buffers alone; the optimizers update the networks",
        )
    with findings.guard(BFLOAT16) as at, bfloat16():
        trial = Trial(part, batch_size=smallest)
        for output in (trial.d_step(0), trial.g_step(0)):
            at.expect_finite(output.parts)
        gradients = {f"the gradient of '{n}'": p.grad for n, p in trial.gan.generator.named_parameters()}
        given = {name: gradient for name, gradient in gradients.items() if gradient is not None}
        at.expect_finite(given)


def _check_declared(component: type[PretextTask], task: PretextTask, findings: Findings) -> None:
    """Check that the class says of itself what a task of default options does, since listings show that."""
    for name in DECLARED:
        said, is_so = getattr(component, name), getattr(task, name)
        findings.at(name).expect(
            said == is_so,
            f"the class says {said} and a task of default options {is_so}",
            f"set `{name} = {is_so}` in the class, and let the constructor set what options change",
        )


def _refusal(part: Part[PretextTask], batch_size: int) -> str | None:
    """Return the sentence with which a task refuses a batch size, or None."""
    try:
        Trial(part, batch_size=batch_size)
    except UserError as error:
        return str(error)
    return None


def _check_views(trial: Trial, findings: Findings, where: str) -> None:
    unknown = [tap for tap in trial.task.taps if tap not in trial.gan.discriminator.tap_shapes]
    findings.at("taps").expect(not unknown, f"D has no tap {unknown}", "choose among the names of `tap_shapes`")
    of_d = {id(p) for p in trial.gan.discriminator.parameters()}
    findings.at("constructor").expect(
        not any(id(p) in of_d for p in trial.task.parameters()),
        "it keeps the discriminator among its submodules, whose weights would be trained and saved twice",
        "keep a copy (ganzoo.layers.momentum_copy.MomentumCopy), or use what after_step and the views hand over",
    )
    for role in ROLES:
        at = findings.at(f"views of {where}, role '{role}'")
        with at.no_global_rng():
            (views, is_unchanged), (again, _) = trial.views(role), trial.views(role)
        at.expect(is_unchanged, "it changes the batch it is given", "make new tensors")
        for (name, view), other in zip(views.items(), again.values(), strict=True):
            images_NCHW, again_NCHW = view.batch.images_NCHW, other.batch.images_NCHW
            at.expect_repeated(images_NCHW, again_NCHW, what=f"'{name}'", remedy="draw from `rng` alone")
            _check_view(name, view, trial.num_classes, at)


def _check_view(name: str, view: View, num_classes: int, findings: Findings) -> None:
    images_NCHW, labels_N = view.batch.images_NCHW, view.batch.labels_N
    findings.expect(
        images_NCHW.shape[1:] == IMAGE_SHAPE and images_NCHW.dtype == torch.float32,
        f"the images of '{name}' are {tuple(images_NCHW.shape)} {images_NCHW.dtype}, the batch's {IMAGE_SHAPE} float32",
        "keep shape and dtype: D sees all images in one pass",
    )
    findings.expect_finite({f"'{name}'": images_NCHW})
    findings.expect(
        float(images_NCHW.abs().max()) <= 1 + 1e-4, f"images of '{name}' leave [-1, 1]", "clamp or rescale them"
    )
    for what, tensor, is_due in (("class labels", labels_N, bool(num_classes)), ("targets", view.targets_N, False)):
        has_right_length = tensor is not None and len(tensor) == len(images_NCHW)
        findings.expect(
            has_right_length or (tensor is None and not is_due),
            f"'{name}' has {len(images_NCHW)} images and {'no' if tensor is None else len(tensor)} {what}",
            "give one for each image: of the image it was made from, if it is a class label",
        )


def _check_steps(trial: Trial, findings: Findings, where: str) -> None:
    gan, task = trial.gan, trial.task
    _watch_terms(task, findings, where)
    for role in ROLES:
        at = findings.at(f"{role}_terms of {where}")
        with at.no_global_rng():
            output = trial.d_step(0) if role == "d" else trial.g_step(0)
        at.expect_finite(output.parts)
        if role == "d":
            at.expect_untouched(gan.generator.parameters(), "the generator")
            at.expect_all_trained(task)
        else:
            at.expect_untouched(gan.d_parameters(), "the discriminator or a head")
            at.expect_all_trained(gan.generator)
        terms = task.d_terms if role == "d" else task.g_terms
        terms(output.task_outputs[TASK], step=NUM_STEPS - 1)


def _watch_terms(task: PretextTask, findings: Findings, where: str) -> None:
    """Let every result of a task be checked before a step sums it up, where a wrong shape is an obscure error."""

    def watched(terms: Callable[..., TaskResult], at: Findings) -> Callable[..., TaskResult]:
        def checked(outputs: TaskOutputs, *, step: int) -> TaskResult:
            result = terms(outputs, step=step)
            check_result(result, task, at)
            return result

        return checked

    for name in ("d_terms", "g_terms"):
        setattr(task, name, watched(getattr(task, name), findings.at(f"{name} of {where}")))


def check_result(result: TaskResult, task: PretextTask, findings: Findings) -> None:
    """Check names, shapes and ranges of what a task returns from a step."""
    names = [term.name for term in result.terms]
    findings.expect(len(set(names)) == len(names), f"terms share a name: {names}", "name each differently")
    for term in result.terms:
        findings.at(f"{findings.where}, term '{term.name}'").expect_scalar(term.value)
        findings.expect(
            0 <= abs(term.weight) < float("inf"), f"the weight of '{term.name}' is {term.weight}", "let it be finite"
        )
    for name, value in result.reports.items():
        findings.expect_report(name, value)
        if name.startswith("accuracy"):
            findings.expect(0 <= float(value) <= 1, f"'{name}' is {float(value)}", "an accuracy lies in [0, 1]")
            findings.at("chance").expect(
                0 < task.chance.get(name, 0) < 1,
                f"it does not say what guessing reaches in '{name}'",
                f'set self.chance = {{"{name}": 1 / K}}',
            )


def _check_state(part: Part[PretextTask], batch_size: int, findings: Findings) -> None:
    whole, again = Trial(part, batch_size=batch_size), Trial(part, batch_size=batch_size)
    expected = whole.train(range(3))
    findings.at("steps").expect(
        equal(expected, again.train(range(3))),
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
        "it is another one than without the task",
        "leave networks and batch alone, or mark views that take part with adversarial=True",
    )

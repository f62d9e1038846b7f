"""Checks of losses and augmentations. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.augment.base import Augment
from ganzoo.component import Part
from ganzoo.losses.base import AdversarialLoss
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import BFLOAT16_REMEDY, LARGE_BATCH, make_images, make_rng

BATCHES = ((8, 1, 16, 16), (8, 3, 16, 16), (LARGE_BATCH, 3, 16, 16))


def check_loss(part: Part[AdversarialLoss], findings: Findings) -> None:
    """Check that both losses are finite scalars that repeat and push logits the right way, and the least of D's."""
    loss = part()
    for num in (1, 8, 64):
        noise_N, other_N = torch.randn(2, num, generator=make_rng(num)).mul(0.1).unbind()
        # Where D is wrong, since a loss may hold logits at a target and push back what lies beyond it.
        real_N, fake_N = (noise_N - 0.5).requires_grad_(), (other_N + 0.5).requires_grad_()
        with findings.guard("d_loss") as at:
            value = loss.d_loss(real_N, fake_N)
            if _expect_scalar(at, value):
                real_grad_N, fake_grad_N = _gradients(value, real_N, fake_N)
                _expect_sign(at, real_grad_N, "raise the logits of real images", is_raised=True)
                _expect_sign(at, fake_grad_N, "lower the logits of fakes", is_raised=False)
        # And where G is.
        real_N, fake_N = (noise_N + 0.5).requires_grad_(), (other_N - 0.5).requires_grad_()
        with findings.guard("g_loss") as at:
            value = loss.g_loss(fake_N, real_N if loss.g_needs_real else None)
            if _expect_scalar(at, value):
                (fake_grad_N,) = _gradients(value, fake_N)
                _expect_sign(at, fake_grad_N, "raise the logits of fakes", is_raised=True)

    _check_repetition(loss, findings)
    large_N = torch.tensor([-1e4, 1e4])
    with findings.guard("loss of logits as large as 10,000") as at:
        values = {"d_loss": loss.d_loss(large_N, large_N), "g_loss": loss.g_loss(large_N, large_N)}
        at.expect_finite(values)

    if loss.least_d_loss is not None:
        with findings.guard("least_d_loss") as at:
            sizes = (0.1, 1.0, 10.0, 1e4)
            least = min(float(loss.d_loss(torch.full((2,), size), torch.full((2,), -size))) for size in sizes)
            at.expect(
                least >= loss.least_d_loss,
                f"it is {loss.least_d_loss:g} and d_loss takes the value {least:g}",
                "set it to the least value there is, or to None",
            )


def _check_repetition(loss: AdversarialLoss, findings: Findings) -> None:
    """Check that a loss repeats, draws nothing, and is about the same for bfloat16 logits."""
    real_N, fake_N = torch.randn(2, 8, generator=make_rng()).unbind()

    def g_loss(real_N: Tensor, fake_N: Tensor) -> Tensor:
        return loss.g_loss(fake_N, real_N)

    for name, value_of in (("d_loss", loss.d_loss), ("g_loss", g_loss)):
        with findings.guard(name) as at:
            with at.no_global_rng():
                value = value_of(real_N, fake_N)
            at.expect(
                torch.equal(value, value_of(real_N, fake_N)),
                "its value changes from call to call",
                "compute it from the logits alone",
            )
            rounded = value_of(real_N.bfloat16(), fake_N.bfloat16()).float()
            at.expect(
                torch.allclose(value, rounded, rtol=0.05, atol=0.05),
                f"it is {float(value):.3g} for float32 logits and {float(rounded):.3g} for the same in bfloat16",
                BFLOAT16_REMEDY,
            )


def _gradients(value: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    gradients = torch.autograd.grad(value, inputs, allow_unused=True)
    return tuple(torch.zeros_like(i) if g is None else g for g, i in zip(gradients, inputs, strict=True))


def _expect_scalar(findings: Findings, value: Tensor) -> bool:
    findings.expect_finite({"the loss": value})
    return findings.expect_scalar(value)


def _expect_sign(findings: Findings, gradient_N: Tensor, purpose: str, *, is_raised: bool) -> None:
    # A descent step goes against the gradient: a negative one raises the logit.
    total = float(gradient_N.sum())
    findings.expect(
        total < 0 if is_raised else total > 0,
        f"a step on it does not {purpose} (gradient {total:.3g} where it should)",
        "check the sign; a larger logit means more real",
    )


def check_augment(part: Part[Augment], findings: Findings) -> None:
    """Check shape, range, randomness, differentiability if fakes are augmented, and the round trip of its state."""
    for num, *shape in BATCHES:
        augment = part()
        images_NCHW = make_images(num, shape=(shape[0], shape[1], shape[2])).images_NCHW
        original_NCHW = images_NCHW.clone()
        with findings.guard("forward") as at:
            with at.no_global_rng():
                out_NCHW = augment(images_NCHW, rng=make_rng())
            if not at.expect(
                out_NCHW.shape == images_NCHW.shape and out_NCHW.dtype == images_NCHW.dtype,
                f"{tuple(images_NCHW.shape)} {images_NCHW.dtype} became {tuple(out_NCHW.shape)} {out_NCHW.dtype}",
                "keep shape and dtype",
            ):
                continue
            at.expect_finite({"the image": out_NCHW})
            at.expect(
                not augment.keeps_range or float(out_NCHW.detach().abs().max()) <= 1 + 1e-4,
                "images leave [-1, 1]",
                "rescale them, or say so with `keeps_range = False`",
            )
            at.expect_kept(images_NCHW, original_NCHW, "its input")
            remedy = "let all randomness come from `rng`, and all state be in buffers"
            at.expect_repeated(out_NCHW, part()(images_NCHW, rng=make_rng()), remedy=remedy)
            if augment.applies_to_fake:
                leaf_NCHW = images_NCHW.clone().requires_grad_()
                (gradient,) = torch.autograd.grad(augment(leaf_NCHW, rng=make_rng()).sum(), leaf_NCHW)
                at.expect_finite({"the gradient": gradient})
                at.expect(bool(gradient.any()), "no gradient reaches the images", "transform fakes differentiably")
        with findings.guard("reports") as at:
            _check_reports(augment, at)
        with findings.guard("state"):
            augment.after_d_step(torch.randn(8, generator=make_rng()))
            restored = part()
            restored.load_state_dict(augment.state_dict())
            first_NCHW, second_NCHW = (a(images_NCHW, rng=make_rng(1)) for a in (augment, restored))
            findings.expect_resumed(torch.equal(first_NCHW, second_NCHW))


def _check_reports(augment: Augment, findings: Findings) -> None:
    """Check that what an augmentation reports is finite, scalar, and keeps its value when the state moves on."""
    reports = augment.reports()
    before = {name: value.clone() for name, value in reports.items()}
    augment.after_d_step(torch.ones(8))
    findings.expect_finite({**reports, **augment.reports()})
    for name, value in reports.items():
        findings.expect_report(name, value)
        findings.expect(
            torch.equal(value, before[name]), f"'{name}' changes after it was returned", "return a copy: `.clone()`"
        )

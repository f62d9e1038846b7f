"""Checks of normalizations. N: batch; C, H, W: image."""

import torch

from ganzoo.component import Part, parameters_of
from ganzoo.errors import UserError
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.randomness import initialization
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import (
    BFLOAT16,
    BFLOAT16_REMEDY,
    LARGE_BATCH,
    bfloat16,
    equal,
    make_latents,
    make_rng,
    snapshot,
)

NUM_FEATURES, LATENT_DIM, NUM_CLASSES = 32, 6, 3


def check_normalization(part: Part[Normalization], findings: Findings) -> None:
    """Check shape, gradients, the dependence on the batch that it declares, and its state."""
    forms = [0, NUM_CLASSES] if "num_classes" in parameters_of(part.component) else [0]
    for num_classes in forms:
        where = f"layer with {num_classes} classes" if num_classes else "layer"
        # A form for labels only may refuse to be built without.
        if num_classes == 0 and len(forms) > 1 and not _builds(part, num_classes):
            continue
        with findings.guard(where) as at:
            _check_layer(part, num_classes, at)
    with findings.guard(f"batch of {LARGE_BATCH}") as at:
        _check_large_batch(part, forms[-1], at)

    with findings.guard("conditional_form, unconditional_form and latent_form") as at:
        conditional = part.component.conditional_form()
        for form in (conditional, part.component.unconditional_form(), part.component.latent_form()):
            at.expect(
                form is None or issubclass(form, Normalization),
                f"{form} is no normalization",
                "return a class that derives from Normalization, or None",
            )
        findings.at("conditional_form").expect(
            conditional is None or "num_classes" in parameters_of(conditional),
            "it takes no labels",
            "return a layer whose constructor names num_classes",
        )


def _builds(part: Part[Normalization], num_classes: int) -> bool:
    try:
        _build(part, num_classes)
    except UserError:
        return False
    return True


def _build(part: Part[Normalization], num_classes: int) -> Normalization:
    layers = LayerFactory(spectral_norm=False)
    with initialization(0, "normalization"):
        return part(num_features=NUM_FEATURES, latent_dim=LATENT_DIM, num_classes=num_classes, layers=layers)


def _check_layer(part: Part[Normalization], num_classes: int, findings: Findings) -> None:
    layer = _build(part, num_classes)
    condition = make_latents(8, latent_dim=LATENT_DIM, num_classes=num_classes)
    if not part.component.needs_condition:
        _build(part, num_classes)(torch.randn(8, NUM_FEATURES, 5, 5, generator=make_rng()), None)
    x_NCHW = torch.randn(8, NUM_FEATURES, 5, 5, generator=make_rng())
    out_NCHW = layer(x_NCHW, condition)
    findings.expect_shape(out_NCHW, x_NCHW.shape, "its output is", "keep the shape")
    findings.expect_finite({"the output": out_NCHW})
    weights_NCHW = torch.randn(x_NCHW.shape, generator=make_rng(3))
    leaf_NCHW = x_NCHW.clone().requires_grad_()
    (layer(leaf_NCHW, condition) * weights_NCHW).sum().backward()
    findings.expect_all_trained(layer)

    # The first image's output, when the others of its batch are other ones.
    other_NCHW = torch.cat([x_NCHW[:1], x_NCHW[1:] * 3 + 1])
    first_CHW, second_CHW = layer(x_NCHW, condition)[0], layer(other_NCHW, condition)[0]
    findings.expect_batch_statistics(first_CHW, second_CHW, part.component.uses_batch_statistics, rtol=1e-5)

    restored = _build(part, num_classes)
    before = snapshot(layer)
    restored.load_state_dict(before)
    first, second = layer.eval()(x_NCHW, condition), restored.eval()(x_NCHW, condition)
    findings.expect_resumed(torch.equal(first, second))
    findings.at("state").expect(equal(before, snapshot(layer)), "eval() changes it", "update in train() only")


def _check_large_batch(part: Part[Normalization], num_classes: int, findings: Findings) -> None:
    """Check a layer at another batch size, and on bfloat16 activations."""
    layer = _build(part, num_classes)
    x_NCHW = torch.randn(LARGE_BATCH, NUM_FEATURES, 5, 5, generator=make_rng())
    condition = make_latents(LARGE_BATCH, latent_dim=LATENT_DIM, num_classes=num_classes)
    with findings.at("layer").no_global_rng():
        out_NCHW = layer(x_NCHW, condition)
    findings.expect_shape(out_NCHW, x_NCHW.shape, "its output is", "keep the shape at every batch size")
    with findings.guard(BFLOAT16) as at, bfloat16(), torch.no_grad():
        rounded_NCHW = layer(x_NCHW.bfloat16(), condition).float()
        at.expect(
            torch.allclose(out_NCHW, rounded_NCHW, rtol=0.1, atol=0.1),
            "the layer's output is far from that in float32",
            BFLOAT16_REMEDY,
        )

"""Checks that are the same for several kinds: batch sizes, bfloat16, repetition, what must stay as it is.

They follow the checks of the kind itself (`CHECKS`), and are kept apart from them because each is one idea for all
kinds. bfloat16 is tried on the smallest case there is, since most CPUs emulate it. N: batch; C, H, W: image.
"""

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator, Generator, Network
from ganzoo.augment.base import Augment
from ganzoo.batch import Latents
from ganzoo.component import Component, Part, parameters_of
from ganzoo.conditioning.base import Conditioning
from ganzoo.data.base import Dataset
from ganzoo.features.base import FeatureExtractor
from ganzoo.gan.steps import StepOutput
from ganzoo.layers.factory import LayerFactory
from ganzoo.losses.base import AdversarialLoss
from ganzoo.normalizations.base import Normalization
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.penalties.base import Penalty
from ganzoo.pretext.base import PretextTask, Role
from ganzoo.randomness import initialization
from ganzoo.testing.findings import Findings
from ganzoo.testing.layers import LATENT_DIM, NUM_FEATURES
from ganzoo.testing.measures import toy_discriminator
from ganzoo.testing.networks import build_network
from ganzoo.testing.optimizers import Descent
from ganzoo.testing.tasks import accepted_batch_sizes
from ganzoo.testing.tools import equal, expect_finite, make_images, make_latents, make_rng, no_global_rng, snapshot
from ganzoo.testing.toys import ToyDiscriminator
from ganzoo.testing.trial import Trial

SMALL_BATCH, LARGE_BATCH = 2, 64
NUM_CLASSES, FEATURE_DIM = 3, 8
BFLOAT16 = "under bfloat16"
BFLOAT16_REMEDY = "compute it in float32: call .float() first, or wrap it in torch.autocast(..., enabled=False)"


def bfloat16() -> torch.autocast:
    """Return the context of a run with `experiment.precision = 'bfloat16'` on the CPU."""
    return torch.autocast("cpu", torch.bfloat16)


def check_network(part: Part[Network], findings: Findings) -> None:
    """Check a network at another batch size and under bfloat16, and that its output depends on its input."""
    if not part.component.resolutions:
        return  # a breach already
    with findings.guard("network"):
        network = build_network(part, 3, 0)(0)
        if isinstance(network, Generator):
            with findings.guard(f"batch of {LARGE_BATCH}"), torch.no_grad():
                _check_generator(network, findings)
        elif isinstance(network, Discriminator):
            with findings.guard(f"batch of {LARGE_BATCH}"):
                _check_discriminator(network, findings)


def _check_generator(network: Generator, findings: Findings) -> None:
    latents_NL = network.sample_latents(LARGE_BATCH, rng=make_rng())
    images_NCHW = network(Latents(latents_NL))
    where = f"batch of {LARGE_BATCH}"
    findings.expect(
        len(images_NCHW) == LARGE_BATCH, where, f"it gives {len(images_NCHW)} images", "return one for each"
    )
    findings.expect(
        not torch.allclose(images_NCHW[0], images_NCHW[1]),
        where,
        "different latents give the same image",
        "let the image depend on the latents",
    )
    with findings.guard(BFLOAT16), bfloat16():
        _expect_survives(findings, {"the image": network(Latents(latents_NL[:SMALL_BATCH]))})


def _check_discriminator(network: Discriminator, findings: Findings) -> None:
    size = min(network.resolutions)
    images_NCHW = make_images(LARGE_BATCH, shape=(3, size, size)).images_NCHW.requires_grad_()
    logits_N = network(images_NCHW).logits_N
    where = f"batch of {LARGE_BATCH}"
    findings.expect(
        logits_N.shape == (LARGE_BATCH,), where, f"its logits are {tuple(logits_N.shape)}", "return one for each image"
    )
    (gradient_NCHW,) = torch.autograd.grad(logits_N.sum(), images_NCHW, allow_unused=True)
    findings.expect(
        gradient_NCHW is not None and bool(gradient_NCHW.any()),
        where,
        "no gradient of the logit reaches the image, so that a generator learns nothing from it",
        "compute the logit from the image by differentiable operations",
    )
    with findings.guard(BFLOAT16), bfloat16(), torch.no_grad():
        output = network(images_NCHW[:SMALL_BATCH])
        _expect_survives(findings, {"the logit": output.logits_N, "the features": output.features_NF})


def _expect_survives(findings: Findings, values: Mapping[str, Tensor]) -> None:
    for name, value in values.items():
        findings.expect(bool(torch.isfinite(value).all()), BFLOAT16, f"{name} is not finite", BFLOAT16_REMEDY)


def check_loss(part: Part[AdversarialLoss], findings: Findings) -> None:
    """Check that a loss repeats, draws nothing, and is about the same for bfloat16 logits."""
    loss = part()
    real_N, fake_N = torch.randn(2, 8, generator=make_rng()).unbind()

    def g_loss(real_N: Tensor, fake_N: Tensor) -> Tensor:
        return loss.g_loss(fake_N, real_N)

    for name, value_of in (("d_loss", loss.d_loss), ("g_loss", g_loss)):
        with findings.guard(name):
            with no_global_rng(findings, name):
                value = value_of(real_N, fake_N)
            findings.expect(
                torch.equal(value, value_of(real_N, fake_N)),
                name,
                "its value changes from call to call",
                "compute it from the logits alone",
            )
            rounded = value_of(real_N.bfloat16(), fake_N.bfloat16()).float()
            findings.expect(
                torch.allclose(value, rounded, rtol=0.05, atol=0.05),
                name,
                f"it is {float(value):.3g} for float32 logits and {float(rounded):.3g} for the same in bfloat16",
                BFLOAT16_REMEDY,
            )


def check_conditioning(part: Part[Conditioning], findings: Findings) -> None:
    """Check the discriminator's head, if there is one, at another batch size and under bfloat16."""
    with findings.guard("discriminator_head"), initialization(0, "head"):
        try:
            head = part(num_classes=NUM_CLASSES).discriminator_head(FEATURE_DIM, LayerFactory(spectral_norm=True))
        except NotImplementedError:
            return  # labels enter in another way
        labels_N = torch.arange(LARGE_BATCH) % NUM_CLASSES
        features_NF = torch.randn(LARGE_BATCH, FEATURE_DIM, generator=make_rng())
        with no_global_rng(findings, "discriminator_head"):
            out_N = head(features_NF, labels_N)
        findings.expect(
            out_N.shape == (LARGE_BATCH,),
            f"discriminator_head, batch of {LARGE_BATCH}",
            f"its output is {tuple(out_N.shape)}",
            "return one number for each image",
        )
        with bfloat16():
            _expect_survives(findings, {"the head's output": head(features_NF[:SMALL_BATCH], labels_N[:SMALL_BATCH])})


def check_penalty(part: Part[Penalty], findings: Findings) -> None:
    """Check a penalty at another batch size, and that the images stay as they are."""
    where = f"batch of {LARGE_BATCH}"
    with findings.guard(where):
        with initialization(0, "discriminator"):
            discriminator = ToyDiscriminator()
        penalty = part(**known_args(part, parameter_shapes={n: p.shape for n, p in discriminator.named_parameters()}))
        real, fake = make_images(LARGE_BATCH, seed=1), make_images(LARGE_BATCH, seed=2)
        originals = [images.images_NCHW.clone() for images in (real, fake)]
        value = penalty(discriminator, real, fake, rng=make_rng())
        expect_finite(findings, {"its value": value}, where)
        findings.expect(
            all(torch.equal(a, b.images_NCHW) for a, b in zip(originals, (real, fake), strict=True)),
            "penalty",
            "it changes the images it is given",
            "work on new tensors: the step uses the same images after it",
        )


def check_normalization(part: Part[Normalization], findings: Findings) -> None:
    """Check a layer at another batch size, and on bfloat16 activations."""
    num_classes = NUM_CLASSES if "num_classes" in parameters_of(part.component) else 0
    with findings.guard(f"batch of {LARGE_BATCH}"):
        runtime_args = known_args(
            part,
            num_features=NUM_FEATURES,
            latent_dim=LATENT_DIM,
            num_classes=num_classes,
            layers=LayerFactory(spectral_norm=False),
        )
        with initialization(0, "normalization"):
            layer = part(**runtime_args)
        x_NCHW = torch.randn(LARGE_BATCH, NUM_FEATURES, 5, 5, generator=make_rng())
        condition = make_latents(LARGE_BATCH, latent_dim=LATENT_DIM, num_classes=num_classes)
        with no_global_rng(findings, "layer"):
            out_NCHW = layer(x_NCHW, condition)
        findings.expect(
            out_NCHW.shape == x_NCHW.shape,
            f"batch of {LARGE_BATCH}",
            f"{tuple(x_NCHW.shape)} became {tuple(out_NCHW.shape)}",
            "keep the shape at every batch size",
        )
        with findings.guard(BFLOAT16), bfloat16(), torch.no_grad():
            rounded_NCHW = layer(x_NCHW.bfloat16(), condition).float()
            findings.expect(
                torch.allclose(out_NCHW, rounded_NCHW, rtol=0.1, atol=0.1),
                BFLOAT16,
                "the layer's output is far from that in float32",
                BFLOAT16_REMEDY,
            )


def known_args(part: Part[Component], **runtime_args: object) -> dict[str, object]:
    """Return those of some values that are runtime arguments of a part's kind."""
    return {name: value for name, value in runtime_args.items() if name in part.component.runtime_args}


class WatchedTrial(Trial):
    """A trial that notes whether a task's `after_step` changes the networks."""

    is_meddling = False

    def _after_step(self, output: StepOutput, role: Role, step: int) -> None:
        before = [snapshot(network) for network in (self.gan.generator, self.gan.discriminator)]
        super()._after_step(output, role, step)
        after = [snapshot(network) for network in (self.gan.generator, self.gan.discriminator)]
        self.is_meddling |= not all(equal(a, b) for a, b in zip(before, after, strict=True))


def check_task(part: Part[PretextTask], findings: Findings) -> None:
    """Check the generator's adversarial term, what `after_step` leaves alone, and a step under bfloat16."""
    sizes = accepted_batch_sizes(part)
    if not sizes:
        return  # a breach already
    batch_size = min(sizes)
    with findings.guard("after_step"):
        watched = WatchedTrial(part, batch_size=batch_size)
        watched.train(range(1))
        findings.expect(
            not watched.is_meddling,
            "after_step",
            "it changes the generator or the discriminator",
            "change the task's own heads and buffers alone; the optimizers update the networks",
        )
    with findings.guard("adversarial term of the generator"):
        _check_g_adversarial(part, batch_size, findings)
    with findings.guard(BFLOAT16), bfloat16():
        trial = Trial(part, batch_size=batch_size)
        for output in (trial.d_step(0), trial.g_step(0)):
            _expect_survives(findings, output.parts)
        gradients = {f"the gradient of '{n}'": p.grad for n, p in trial.gan.generator.named_parameters()}
        _expect_survives(findings, {name: gradient for name, gradient in gradients.items() if gradient is not None})


def _check_g_adversarial(part: Part[PretextTask], batch_size: int, findings: Findings) -> None:
    trial, bare = Trial(part, batch_size=batch_size), Trial(None, batch_size=batch_size)
    if trial.task.replaces_adversarial:
        return
    views, _ = Trial(part, batch_size=batch_size).views("g")
    with_task, without = (t.g_step(0).parts["g/adversarial"] for t in (trial, bare))
    findings.expect(
        any(view.adversarial for view in views.values()) or torch.allclose(with_task, without, atol=1e-5),
        "adversarial term of the generator",
        "it is another one than without the task",
        "leave networks and batch alone, or mark views that shall take part with adversarial=True",
    )


def check_augment(part: Part[Augment], findings: Findings) -> None:
    """Check an augmentation at another batch size, and that images of a batch are not all treated alike by accident."""
    where = f"batch of {LARGE_BATCH}"
    with findings.guard(where):
        images_NCHW = make_images(LARGE_BATCH).images_NCHW
        out_NCHW = part()(images_NCHW, rng=make_rng())
        findings.expect(
            out_NCHW.shape == images_NCHW.shape,
            where,
            f"{tuple(images_NCHW.shape)} became {tuple(out_NCHW.shape)}",
            "keep the shape at every batch size",
        )
        expect_finite(findings, {"the image": out_NCHW}, where)


def check_optimizer(part: Part[OptimizerRecipe], findings: Findings) -> None:
    """Check that every parameter is trained."""
    with findings.guard("optimizer"):
        descent = Descent(part)
        before = [parameter.detach().clone() for parameter in descent.parameters]
        descent.run(2)
        findings.expect(
            not any(torch.equal(a, b) for a, b in zip(before, descent.parameters, strict=True)),
            "optimizer",
            "two steps leave a parameter as it was",
            "give all of `parameters` to the optimizer; it can be iterated once",
        )


def check_dataset(part: Part[Dataset], findings: Findings) -> None:
    """Check that a split, if it is here, comes in the same order every time."""
    dataset = part(data_dir=None)
    with findings.guard("load"):
        known = {name: num for name, num in dataset.spec().num_images.items() if num is not None}
        if not known or dataset.find() is None:
            return
        split = min(known, key=known.__getitem__)
        findings.expect(
            dataset.load(split).sha256 == part(data_dir=None).load(split).sha256,
            f"load of '{split}'",
            "loaded twice, it differs",
            "return the same images in the same order: sort files, and draw from a generator with a fixed seed",
        )


def check_features(part: Part[FeatureExtractor], findings: Findings) -> None:
    """Check that features repeat and that the images stay as they are."""
    extractor = part(device=torch.device("cpu"), discriminator=toy_discriminator())
    try:
        extractor.check_available()
    except Exception:  # said by the check of the kind
        return
    images_NCHW = torch.randint(256, (SMALL_BATCH, 3, 16, 16), dtype=torch.uint8, generator=make_rng())
    original_NCHW = images_NCHW.clone()
    with findings.guard("features"):
        features_NF = extractor(images_NCHW)
        findings.expect(
            torch.equal(images_NCHW, original_NCHW), "features", "it changes the images", "work on a new tensor"
        )
        findings.expect(
            torch.equal(features_NF, extractor(original_NCHW)),
            "features",
            "the same images have other features a second time",
            "put the network in eval(), and let nothing change from call to call",
        )


Check = Callable[[Part[Component], Findings], None]

PROPERTIES: Mapping[str, Check] = {
    "architectures": cast("Check", check_network),
    "losses": cast("Check", check_loss),
    "penalties": cast("Check", check_penalty),
    "normalizations": cast("Check", check_normalization),
    "conditioning": cast("Check", check_conditioning),
    "pretext": cast("Check", check_task),
    "augment": cast("Check", check_augment),
    "optim": cast("Check", check_optimizer),
    "data": cast("Check", check_dataset),
    "features": cast("Check", check_features),
}
"""By kind; metrics and remedies have all that concerns them in the check of their kind."""

"""Checks of generators and discriminators. N: batch; C, H, W: image; L: latent dimension; F: features."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from ganzoo.architectures.base import Discriminator, Generator, Network
from ganzoo.batch import Latents
from ganzoo.component import Part, parameters_of
from ganzoo.layers.factory import LayerFactory
from ganzoo.layers.spectral_norm import advance_spectral_norm
from ganzoo.randomness import initialization
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import (
    BFLOAT16,
    LARGE_BATCH,
    SMALL_BATCH,
    bfloat16,
    equal,
    make_images,
    make_latents,
    make_rng,
    snapshot,
)
from ganzoo.testing.toys import ToyConditioning

LATENT_DIM, NUM_CLASSES = 6, 3
CHANNELS = (3, 1)
N = TypeVar("N", bound=Network)


def check_architecture(part: Part[Network], findings: Findings) -> None:
    """Check a generator or a discriminator at its smallest resolution, in colour and grey, with and without labels."""
    resolutions = part.component.resolutions
    if not findings.at("resolutions").expect(
        bool(resolutions), "it names none", "list the heights that it can be built for"
    ):
        return
    for channels in CHANNELS:
        for network, num_classes, where in _forms(part, channels, findings):
            with findings.guard(where) as at:
                _check_attributes(network, at)
                if isinstance(network, Generator):
                    _check_generator(network, num_classes, at)
                elif isinstance(network, Discriminator):
                    _check_discriminator(network, channels, num_classes, at)
                else:
                    findings.at("class").add("it is neither Generator nor Discriminator", "derive from one of them")
                _check_state(build_network(part, channels, num_classes), network, findings)
    with findings.guard(f"batch of {LARGE_BATCH}") as at:
        network = build_network(part, CHANNELS[0], 0)(0)
        if isinstance(network, Generator):
            _check_large_generator(network, at)
        elif isinstance(network, Discriminator):
            _check_large_discriminator(network, at)


def build_network(part: Part[N], channels: int, num_classes: int) -> Callable[[int], N]:
    """Return a function that builds the network at its smallest resolution from a seed."""
    size = min(part.component.resolutions)
    conditioning = ToyConditioning(num_classes=num_classes) if num_classes else None

    def build(seed: int) -> N:
        with initialization(seed, "network"):
            return part(image_shape=(channels, size, size), latent_dim=LATENT_DIM, conditioning=conditioning)

    return build


def _forms(part: Part[N], channels: int, findings: Findings) -> Iterator[tuple[N, int, str]]:
    """Yield the network as often as it comes: without labels and, if it takes conditioning, with them."""
    counts: list[int] = []
    for num_classes in (0, NUM_CLASSES) if "conditioning" in parameters_of(part.component) else (0,):
        where = f"{'conditional' if num_classes else 'unconditional'} network for {channels} channels"
        with findings.guard(where) as at:
            build = build_network(part, channels, num_classes)
            network = build(0)
            at.expect(
                equal(snapshot(network), snapshot(build(0))),
                "built twice from the same seed, its weights differ",
                "initialise from torch's own generator alone",
            )
            counts.append(sum(p.numel() for p in network.parameters()))
            yield network, num_classes, where
    if len(counts) == 2:
        findings.at("conditioning").expect(
            counts[0] < counts[1],
            "with labels it has no more parameters than without, so that it ignores them",
            "ask conditioning for the generator's normalization or the discriminator's head, or do not name it",
        )


def _check_attributes(network: Network, findings: Findings) -> None:
    for name, kind in {"uses_batch_statistics": bool, "layers": LayerFactory}.items():
        findings.expect(
            isinstance(getattr(network, name, None), kind),
            f"it has no attribute '{name}'",
            f"set self.{name}, a {kind.__name__}, in the constructor",
        )


def _check_generator(network: Generator, num_classes: int, findings: Findings) -> None:
    at = findings.at(f"{findings.where}, sample_latents")
    with at.no_global_rng():
        latents_NL = network.sample_latents(8, rng=make_rng())
        again_NL = network.sample_latents(8, rng=make_rng())
    at.expect_repeated(latents_NL, again_NL, remedy="draw from `rng`")
    at.expect_shape(latents_NL, (8, LATENT_DIM), "they are", "return (num, L)")
    labels_N = make_latents(8, num_classes=num_classes).labels_N
    with findings.at(f"{findings.where}, forward").no_global_rng():
        images_NCHW = network(Latents(latents_NL, labels_N))
    if not findings.expect_shape(images_NCHW, (8, *network.image_shape), "its images are", "return (N, *image_shape)"):
        return
    findings.expect_finite({"the image": images_NCHW})
    findings.expect(float(images_NCHW.detach().abs().max()) <= 1, "images leave [-1, 1]", "end with tanh")
    (images_NCHW * torch.randn(images_NCHW.shape, generator=make_rng(3))).sum().backward()
    findings.expect_all_trained(network)

    changed_NL = torch.cat([latents_NL[:1], latents_NL[1:] + 1])
    with torch.no_grad():
        first, second = network(Latents(latents_NL, labels_N)), network(Latents(changed_NL, labels_N))
    findings.expect_batch_statistics(first[0], second[0], network.uses_batch_statistics)


def _check_discriminator(network: Discriminator, channels: int, num_classes: int, findings: Findings) -> None:
    size = min(network.resolutions)
    images = make_images(8, shape=(channels, size, size), num_classes=num_classes)
    taps = list(network.tap_shapes)
    with findings.at(f"{findings.where}, forward").no_global_rng():
        output = network(images.images_NCHW, images.labels_N, taps=taps)
    shapes = {
        "logits_N": (output.logits_N, (8,)),
        "features_NF": (output.features_NF, (8, network.feature_dim)),
        **{f"tap {t}": (output.taps[t], (8, *network.tap_shapes[t])) for t in taps if t in output.taps},
    }
    for name, (tensor, shape) in shapes.items():
        remedy = "let feature_dim and tap_shapes say what forward returns"
        findings.expect_shape(tensor, shape, f"{name} is", remedy)
        findings.expect_finite({name: tensor})
    findings.expect(list(output.taps) == taps, f"of the taps {taps} it gives {list(output.taps)}", "give each")
    findings.expect(
        not network(images.images_NCHW, images.labels_N).taps,
        "it gives taps that nobody asked for",
        "keep only those named by `taps`: each holds memory",
    )
    output.logits_N.sum().backward()
    findings.expect_all_trained(network)

    changed_NCHW = torch.cat([images.images_NCHW[:1], images.images_NCHW[1:].flip(3) * 0.5])
    with torch.no_grad():
        first = network(images.images_NCHW, images.labels_N)
        second = network(changed_NCHW, images.labels_N)
    declared = network.uses_batch_statistics
    findings.expect_batch_statistics(first.features_NF[0], second.features_NF[0], declared)


@torch.no_grad()
def _check_large_generator(network: Generator, findings: Findings) -> None:
    """Check a generator at another batch size and under bfloat16, and that its images depend on its latents."""
    latents_NL = network.sample_latents(LARGE_BATCH, rng=make_rng())
    images_NCHW = network(Latents(latents_NL))
    findings.expect(len(images_NCHW) == LARGE_BATCH, f"it gives {len(images_NCHW)} images", "return one for each")
    findings.expect(
        not torch.allclose(images_NCHW[0], images_NCHW[1]),
        "different latents give the same image",
        "let the image depend on the latents",
    )
    with findings.guard(BFLOAT16) as at, bfloat16():
        at.expect_finite({"the image": network(Latents(latents_NL[:SMALL_BATCH]))})


def _check_large_discriminator(network: Discriminator, findings: Findings) -> None:
    """Check a discriminator at another batch size and under bfloat16, and that its logit depends on the image."""
    size = min(network.resolutions)
    images_NCHW = make_images(LARGE_BATCH, shape=(CHANNELS[0], size, size)).images_NCHW.requires_grad_()
    logits_N = network(images_NCHW).logits_N
    findings.expect_shape(logits_N, (LARGE_BATCH,), "its logits are", "return one for each image")
    (gradient_NCHW,) = torch.autograd.grad(logits_N.sum(), images_NCHW, allow_unused=True)
    findings.expect(
        gradient_NCHW is not None and bool(gradient_NCHW.any()),
        "no gradient of the logit reaches the image, so that a generator learns nothing from it",
        "compute the logit from the image by differentiable operations",
    )
    with findings.guard(BFLOAT16) as at, bfloat16(), torch.no_grad():
        output = network(images_NCHW[:SMALL_BATCH])
        at.expect_finite({"the logit": output.logits_N, "the features": output.features_NF})


def _check_state(build: Callable[[int], N], network: N, findings: Findings) -> None:
    """Check that a loaded state is the whole state, including the state of the spectral norms."""
    advance_spectral_norm(network)
    other = build(1)
    other.load_state_dict(snapshot(network))
    advance_spectral_norm(network)
    advance_spectral_norm(other)
    same = equal(snapshot(network), snapshot(other))
    findings.expect_resumed(same, remedy="keep what changes in parameters and buffers")

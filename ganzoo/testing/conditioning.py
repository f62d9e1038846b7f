"""Checks of conditionings. N: batch; C, H, W: image; F: features."""

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.architectures.base import DiscriminatorOutput, Generator, ImageShape
from ganzoo.batch import UNKNOWN_LABEL, ImageBatch, Latents
from ganzoo.component import Part
from ganzoo.conditioning.base import Conditioning
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.normalizations.none import none
from ganzoo.pretext.base import LossTerm, PretextTask, TaskOutputs, ViewOutput
from ganzoo.randomness import initialization
from ganzoo.testing.findings import Findings
from ganzoo.testing.tasks import check_result
from ganzoo.testing.tools import BFLOAT16, LARGE_BATCH, SMALL_BATCH, bfloat16, make_latents, make_rng
from ganzoo.testing.toys import ToyDiscriminator, ToyNormalization

IMAGE_SHAPE, LATENT_DIM, NUM_CLASSES, NUM_FEATURES, FEATURE_DIM = (3, 8, 8), 6, 3, 4, 8


def check_conditioning(part: Part[Conditioning], findings: Findings) -> None:
    """Check the labels of training, the generator's normalizations, and both networks, with and without SN in D."""
    conditioning = part(num_classes=NUM_CLASSES)
    findings.at("constructor").expect(
        getattr(conditioning, "num_classes", None) == NUM_CLASSES,
        "num_classes is not kept",
        "call super().__init__(num_classes=num_classes)",
    )
    with findings.guard("training_labels") as at:
        _check_training_labels(conditioning, at)

    for component in (_Conditional, none):
        wants_refusal = component.conditional_form() is None
        with findings.guard("generator_normalization") as at:
            try:
                form = conditioning.generator_normalization(Part(f"normalizations.{component.__name__}", component))
            except ValueError:
                at.expect(wants_refusal, "it refuses a layer that has a conditional form", "return that")
                continue
            runtime_args = {"num_features": NUM_FEATURES, "latent_dim": LATENT_DIM, "num_classes": NUM_CLASSES}
            layer = form(**runtime_args, layers=LayerFactory(spectral_norm=False))
            x_NCHW = torch.randn(8, NUM_FEATURES, 5, 5, generator=make_rng())
            out_NCHW = layer(x_NCHW, make_latents(8, latent_dim=LATENT_DIM, num_classes=NUM_CLASSES))
            at.expect_shape(out_NCHW, x_NCHW.shape, "its layer returns", "keep the shape")

    for spectral_norm in (False, True):
        with findings.guard("networks"), initialization(0, "networks"):
            _check_networks(conditioning, spectral_norm, findings)
    with findings.guard("discriminator_head"), initialization(0, "head"):
        _check_head(part(num_classes=NUM_CLASSES), findings)


def _check_training_labels(conditioning: Conditioning, findings: Findings) -> None:
    """Check that each label is the true one or hidden, the same at every call, and that the data's labels stay."""
    given_N = torch.arange(20 * NUM_CLASSES) % NUM_CLASSES
    labels_N = given_N.clone()
    known_N = conditioning.training_labels(labels_N, split="train")
    findings.expect(torch.equal(labels_N, given_N), "it changes the labels of the data", "return a tensor of its own")
    findings.expect(
        known_N.dtype == torch.int64 and known_N.shape == given_N.shape,
        f"it returns {known_N.dtype} of shape {tuple(known_N.shape)}",
        "return one int64 label for each image",
    )
    findings.expect(
        bool(((known_N == given_N) | (known_N == UNKNOWN_LABEL)).all()),
        "an image has another label than the data's",
        "hide a label as UNKNOWN_LABEL, or leave it",
    )
    findings.expect(
        torch.equal(known_N, conditioning.training_labels(labels_N, split="train")),
        "it knows other labels at a second call, so that a resumed run would differ",
        "choose with a generator of a fixed seed",
    )


def _check_networks(conditioning: Conditioning, spectral_norm: bool, findings: Findings) -> None:
    """Build both networks and, if there is one, the auxiliary task; labels must reach G, and D or the task."""
    g_part = Part("architectures.toy", ConditionedGenerator)
    generator = conditioning.build_generator(g_part, image_shape=IMAGE_SHAPE, latent_dim=LATENT_DIM)
    d_part = Part("architectures.toy", ConditionedDiscriminator, {"spectral_norm": spectral_norm})
    discriminator = conditioning.build_discriminator(d_part, image_shape=IMAGE_SHAPE, latent_dim=LATENT_DIM)
    task = conditioning.auxiliary_task(feature_dim=discriminator.feature_dim, layers=discriminator.layers)
    for parameter in generator.parameters():
        # Labels may have no effect at first.
        torch.nn.init.normal_(parameter)

    latents = make_latents(8, latent_dim=LATENT_DIM, num_classes=NUM_CLASSES)
    assert latents.labels_N is not None
    others = Latents(latents.latents_NL, (latents.labels_N + 1) % NUM_CLASSES)
    images_NCHW = generator(latents)
    of_g, of_d = findings.at("build_generator"), findings.at("build_discriminator")
    of_g.expect_shape(images_NCHW, (8, *IMAGE_SHAPE), "images are", "return its images")
    of_g.expect(not torch.allclose(images_NCHW, generator(others)), "labels do not change its images", "hand them over")
    latents_NL = generator.sample_latents(5, rng=make_rng())
    of_g.expect_shape(latents_NL, (5, LATENT_DIM), "its latents are", "draw latent_dim")

    output = discriminator(images_NCHW, latents.labels_N, taps=tuple(discriminator.tap_shapes))
    of_d.expect_shape(output.logits_N, (8,), "its logits are", "return one number each")
    of_d.expect_finite({"the images": images_NCHW, "the logits": output.logits_N})
    with findings.guard("what training_labels hides"):
        for real_labels_N in _labels_of_training(conditioning, latents.labels_N):
            real = ViewOutput(ImageBatch(images_NCHW, real_labels_N), discriminator(images_NCHW, real_labels_N))
            of_d.expect_finite({"the logits of unlabelled images": real.output.logits_N})
            if task is not None:
                fake = ViewOutput(ImageBatch(images_NCHW, latents.labels_N), output)
                _check_terms(task, fake, real, findings)
    changed = not torch.allclose(output.logits_N, discriminator(images_NCHW, others.labels_N).logits_N)
    of_d.expect(changed or task is not None, "labels do not change its logits", "use them, or return an auxiliary_task")
    terms = [LossTerm("logit", output.logits_N.sum())]
    if task is not None:
        seen = ViewOutput(ImageBatch(images_NCHW, latents.labels_N), output)
        terms += task.d_terms(TaskOutputs(seen, seen, {}), step=0).terms
    torch.stack([term.weight * term.value for term in terms]).sum().backward()  # type: ignore[no-untyped-call]
    of_g.expect_all_trained(generator)
    of_d.expect_all_trained(discriminator)
    if task is not None:
        findings.at("auxiliary_task").expect_all_trained(task)


def _check_head(conditioning: Conditioning, findings: Findings) -> None:
    """Check the discriminator's head, if there is one, at another batch size and under bfloat16."""
    try:
        head = conditioning.discriminator_head(FEATURE_DIM, LayerFactory(spectral_norm=True))
    except NotImplementedError:
        return  # labels enter in another way
    labels_N = torch.arange(LARGE_BATCH) % NUM_CLASSES
    features_NF = torch.randn(LARGE_BATCH, FEATURE_DIM, generator=make_rng())
    with findings.at("discriminator_head").no_global_rng():
        out_N = head(features_NF, labels_N)
    at = findings.at(f"discriminator_head, batch of {LARGE_BATCH}")
    at.expect_shape(out_N, (LARGE_BATCH,), "its output is", "return one number for each image")
    with bfloat16():
        few_N = head(features_NF[:SMALL_BATCH], labels_N[:SMALL_BATCH])
        findings.at(BFLOAT16).expect_finite({"the head's output": few_N})


def _check_terms(task: PretextTask, fake: ViewOutput, real: ViewOutput, findings: Findings) -> None:
    """Check what the auxiliary task returns in either step."""
    of_d, of_g = task.d_terms(TaskOutputs(fake, real, {}), step=0), task.g_terms(TaskOutputs(fake, None, {}), step=0)
    for name, result in (("d_terms", of_d), ("g_terms", of_g)):
        at = findings.at(f"{name} of auxiliary_task")
        at.expect_finite({f"'{term.name}'": term.value for term in result.terms})
        check_result(result, task, at)


def _labels_of_training(conditioning: Conditioning, labels_N: Tensor) -> Iterator[Tensor]:
    """Yield labels that a batch of real images may have: all of them, and where any are hidden, some and none."""
    yield labels_N
    many_N = labels_N.repeat(20)
    if bool((conditioning.training_labels(many_N, split="train") == UNKNOWN_LABEL).any()):
        some_N = labels_N.clone()
        some_N[::2] = UNKNOWN_LABEL
        yield some_N
        yield torch.full_like(labels_N, UNKNOWN_LABEL)


class ConditionedGenerator(Generator):
    """A linear layer, a normalization that may take labels, and tanh.

    Args:
        image_shape: (C, H, W).
        latent_dim: L.
        conditioning: gives the normalization; None for none.
    """

    uses_batch_statistics = False

    def __init__(self, *, image_shape: ImageShape, latent_dim: int, conditioning: Conditioning | None) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.layers = image_shape, latent_dim, LayerFactory(spectral_norm=False)
        self.linear = self.layers.linear(latent_dim, math.prod(image_shape))
        self.normalize = None
        if conditioning is not None:
            part = conditioning.generator_normalization(Part("normalizations.toy", _Conditional))
            runtime_args = {"latent_dim": latent_dim, "num_classes": conditioning.num_classes}
            self.normalize = part(num_features=image_shape[0], **runtime_args, layers=self.layers)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        images_NCHW: Tensor = self.linear(inputs.latents_NL).unflatten(1, self.image_shape)
        return (images_NCHW if self.normalize is None else self.normalize(images_NCHW, inputs)).tanh()


class ConditionedDiscriminator(ToyDiscriminator):
    """A toy whose labels enter as its conditioning says.

    Args:
        image_shape: (C, H, W).
        spectral_norm: whether its weights are spectrally normalised.
        conditioning: gives the head; None for none.
    """

    def __init__(self, *, image_shape: ImageShape, spectral_norm: bool, conditioning: Conditioning | None) -> None:
        super().__init__(image_shape=image_shape, spectral_norm=spectral_norm)
        self.head = None if conditioning is None else conditioning.discriminator_head(self.feature_dim, self.layers)

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        """Judge images."""
        output = super().forward(images_NCHW, taps=taps)
        if self.head is None:
            return output
        assert labels_N is not None, "a conditional discriminator was given no labels"
        return replace(output, logits_N=output.logits_N + self.head(output.features_NF, labels_N))


class _Conditional(none):
    """A layer with a conditional form."""

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        return ToyNormalization

"""Checks of data sets, feature extractors and metrics. N: images; C, H, W: image; F: features."""

import math

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.component import Part
from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.errors import UserError
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.metrics.base import Metric
from ganzoo.randomness import initialization
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import equal, make_rng, snapshot
from ganzoo.testing.toys import IMAGE_SHAPE, ToyDiscriminator

NUM_IMAGES, FEATURE_DIM, NUM_CLASSES = 4, 8, 5
NUM_EARLIER = 40


def check_dataset(part: Part[Dataset], findings: Findings) -> None:
    """Check what is known without files; then the smallest split, or the sentence on what is missing."""
    dataset = part(data_dir=None)
    with findings.guard("spec") as at:
        spec = dataset.spec()
        shape = spec.image_shape
        at.expect(
            len(shape) == 3 and shape[0] in (1, 3) and all(isinstance(n, int) and n > 0 for n in shape),
            f"image_shape is {shape}",
            "give (C, H, W) in pixels, C being 1 or 3",
        )
        at.expect(spec.num_classes >= 0, f"num_classes is {spec.num_classes}", "0 means no labels")
        at.expect("train" in spec.num_images, "there is no split 'train'", "name one so")
        _check_split(part, spec, findings)
    with findings.guard("load of an unknown split"):
        try:
            dataset.load("no-such-split")
        except UserError:
            return
        findings.at("load").add("an unknown split is not refused", "raise UserError and name the splits there are")


def _check_split(part: Part[Dataset], spec: DataSpec, findings: Findings) -> None:
    dataset = part(data_dir=None)
    known = {name: num for name, num in spec.num_images.items() if num is not None}
    split = min(known, key=known.__getitem__) if known else "train"
    findings = findings.at(f"load of '{split}'")
    if dataset.find() is None:
        try:
            dataset.load(split)
        except UserError:
            return
        findings.add("find() says that the files are missing, yet they load", "let both look in the same places")
        return
    with findings.no_global_rng():
        data = dataset.load(split)
    images_NCHW, labels_N = data.images_NCHW, data.labels_N
    findings.expect(
        images_NCHW.dtype == torch.uint8 and tuple(images_NCHW.shape[1:]) == spec.image_shape,
        f"its images are {tuple(images_NCHW.shape)} {images_NCHW.dtype}",
        f"return uint8 (N, *{spec.image_shape}), as spec() says",
    )
    findings.expect(
        data.sha256 == part(data_dir=None).load(split).sha256,
        "loaded twice, it differs",
        "return the same images in the same order: sort files, and draw from a generator with a fixed seed",
    )
    num = spec.num_images[split]
    findings.expect(num in (None, len(data)), f"it has {len(data)} images and spec() says {num}", "correct one")
    num_classes = spec.num_classes_of(split)
    if num_classes:
        findings.expect(
            labels_N is not None
            and labels_N.dtype == torch.int64
            and len(labels_N) == len(data)
            and 0 <= int(labels_N.min()) <= int(labels_N.max()) < num_classes,
            f"it has no int64 labels in 0..{num_classes - 1}, one for each image",
            "return them, or let num_classes be 0",
        )
    else:
        findings.expect(labels_N is None, "it has labels and spec() says none", "set num_classes in spec()")


def check_features(part: Part[FeatureExtractor], findings: Findings) -> None:
    """Check the features of colour and grey images, if the weights are there, and the protocol."""
    with findings.guard("constructor"):
        extractor = part(device=torch.device("cpu"), discriminator=toy_discriminator())
        findings.at("label").expect(bool(extractor.label), "it is empty", "say what numbers are named after")
    with findings.guard("check_available"):
        try:
            extractor.check_available()
        except UserError:
            return  # said in a sentence, which is the contract; without weights there is nothing to try
    # A discriminator takes images of the run's channels alone.
    for channels in (3,) if extractor.is_of_the_run else (1, 3):
        rng = make_rng(channels)
        images_NCHW = torch.randint(256, (NUM_IMAGES, channels, 16, 16), dtype=torch.uint8, generator=rng)
        original_NCHW = images_NCHW.clone()
        with findings.guard(f"features of images with {channels} channels") as at:
            with at.no_global_rng():
                features_NF = extractor(images_NCHW)
            at.expect_kept(images_NCHW, original_NCHW, "the images")
            at.expect(
                torch.equal(features_NF, extractor(original_NCHW)),
                "the same images have other features a second time",
                "put the network in eval(), and let nothing change from call to call",
            )
            at.expect(
                features_NF.shape == (NUM_IMAGES, extractor.feature_dim)
                and features_NF.dtype == torch.float32
                and features_NF.device.type == "cpu"
                and not features_NF.requires_grad,
                f"they are {tuple(features_NF.shape)} {features_NF.dtype} on {features_NF.device}",
                "return float32 (N, feature_dim) on the CPU without gradient",
            )
            at.expect(
                bool(torch.isfinite(features_NF).all()),
                "they are not finite",
                "check the preprocessing of uint8 images in 0..255",
            )
            at.expect(
                torch.allclose(features_NF[:1], extractor(images_NCHW[:1]), rtol=1e-3, atol=1e-3),
                "an image's features depend on its batch",
                "put the network in eval()",
            )
        if extractor.num_classes:
            with findings.guard("class_logits") as at:
                logits_NK = extractor.class_logits(features_NF)
                at.expect(
                    logits_NK.shape == (NUM_IMAGES, extractor.num_classes) and logits_NK.dtype == torch.float32,
                    f"they are {tuple(logits_NK.shape)} {logits_NK.dtype}",
                    "return float32 (N, num_classes), or let num_classes be 0",
                )
    with findings.guard("protocol"):
        _check_protocol(extractor.protocol(), findings)


def _check_protocol(protocol: Settings, findings: Findings) -> None:
    findings.at("protocol").expect(
        bool(protocol) and all(isinstance(value, str | int | float | bool) for value in protocol.values()),
        f"it is {protocol}",
        "return the settings behind a number, each a string, a number or a bool",
    )


class ToyInputs:
    """An evaluation of a conditional GAN whose features are normal noise, real and generated ones a unit apart."""

    seed, num_classes = 0, NUM_CLASSES

    def __init__(self) -> None:
        self.discriminator: Discriminator | None = toy_discriminator(num_classes=NUM_CLASSES).eval()

    def real_images(self, split: str, num: int | None) -> ImageData:
        """Return images and labels."""
        return _noise(1200 if num is None else num, seed=4)

    def fake_images(self, num: int) -> ImageData:
        """Return images and labels."""
        return _noise(num, seed=5)

    def earlier_fakes(self) -> dict[int, ImageData]:
        """Return images and labels of two earlier steps."""
        return {step: _noise(NUM_EARLIER, seed=step) for step in (10, 20)}

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return features (N, F)."""
        return torch.randn(1200 if num is None else num, FEATURE_DIM, generator=make_rng(1))

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return features (N, F)."""
        return torch.randn(num, FEATURE_DIM, generator=make_rng(2)) + 1

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return logits (N, K)."""
        return torch.randn(num, NUM_CLASSES, generator=make_rng(3))

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return a name."""
        return f"{metric}_toy"

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        """Return settings."""
        data: Settings = {} if split is None else {"reference_split": split, "data_sha256": f"hash of {split}"}
        return {**({} if extractor is None else {"extractor": "toy"}), **data, "eval_seed": 0}


def _noise(num: int, *, seed: int) -> ImageData:
    images_NCHW = torch.randint(256, (num, *IMAGE_SHAPE), dtype=torch.uint8, generator=make_rng(seed))
    return ImageData(images_NCHW, torch.arange(num) % NUM_CLASSES)


def toy_discriminator(*, num_classes: int = 0) -> ToyDiscriminator:
    """Return a discriminator of colour images whose weights are always the same."""
    with initialization(0, "toy discriminator"):
        return ToyDiscriminator(image_shape=IMAGE_SHAPE, num_classes=num_classes)


def check_metric(part: Part[Metric], findings: Findings) -> None:
    """Check the numbers on features of noise."""
    metric = part()
    with findings.guard("extractors") as at:
        for extractor in metric.extractors():
            at.expect(
                isinstance(extractor, Part) and issubclass(extractor.component, FeatureExtractor),
                f"{extractor} is no part of a feature extractor",
                "return the references it was given",
            )
    with findings.guard("measure") as at:
        inputs = ToyInputs()
        network = inputs.discriminator
        assert network is not None
        before = snapshot(network)
        with at.no_global_rng():
            first, second = metric.measure(inputs), part().measure(ToyInputs())
        at.expect(
            equal(before, snapshot(network)) and not any(module.training for module in network.modules()),
            "it changes the run's discriminator, or the mode that it is in",
            "leave weights, running statistics and evaluation mode as they are, or work on a copy",
        )
        at.expect(bool(first), "it returns no number", "return at least one Measurement")
        at.expect(first == second, "it does not repeat", "draw from a generator made from `inputs.seed`")
        for measurement in first:
            of_one = findings.at(f"measure, '{measurement.name}'")
            of_one.expect(math.isfinite(measurement.value), f"it is {measurement.value}", "check its arithmetic")
            error = measurement.standard_error
            of_one.expect(error is None or error >= 0, f"its standard error is {error}", "give None or a number")
            _check_protocol(measurement.protocol, findings)

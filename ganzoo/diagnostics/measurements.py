"""Measurements of a run besides its losses: gradients, singular values, and the logits of unseen images.

Each function returns values by key, for a row of `metrics.jsonl`. None changes a network or draws from a random stream
of the training. N: images; C, H, W: image; P: pixels of an image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, ImageData
from ganzoo.errors import UserError
from ganzoo.evaluation.inputs import choose
from ganzoo.gan.model import Gan
from ganzoo.layers.spectral_norm import NormalizedWeight, normalized_weights
from ganzoo.metrics.discriminator_logits import discriminator_logits

NUM_REFERENCES = 256  # their mean logit is known to a sixteenth of the logits' standard deviation

# Below so many standard errors between real and generated logits, a share of their distance is noise.
MIN_SEPARATION_ERRORS = 5.0


@dataclass(frozen=True)
class References:
    """Real images that a run is compared with, always the same: some that are trained on, and some that are not.

    Args:
        train: at most 256 training images.
        held_out: at most as many of another split; None if there is none.
    """

    train: ImageData
    held_out: ImageData | None


def choose_references(
    dataset: Dataset, train: ImageData, *, train_split: str, needs_labels: bool = False, say: Callable[[str], None]
) -> References:
    """Return the reference images of a run; if the files of the held-out split are missing, that is said.

    Args:
        dataset: loads the held-out split: `test` if there is one that is not trained on, otherwise another.
        train: the training split.
        train_split: its name.
        needs_labels: whether the held-out split must have labels, as for a conditional GAN.
        say: receives a sentence.
    """
    spec = dataset.spec()
    others = [split for split in spec.num_images if split != train_split]
    if needs_labels:
        others = [split for split in others if spec.num_classes_of(split)]
    held_out = None
    if others:
        split = "test" if "test" in others else others[0]
        try:
            held_out = _some(dataset.load(split), split)
        except UserError as error:
            say(f"the logits of unseen images are not measured, since the split '{split}' is missing: {error}")
    return References(_some(train, train_split), held_out)


def _some(data: ImageData, split: str) -> ImageData:
    return choose(data, min(NUM_REFERENCES, len(data)), split=split)


def grad_norms(gan: Gan) -> dict[str, float]:
    """Return the norm of all gradients of each network's last update: `d/grad_norm` (heads included), `g/grad_norm`."""
    networks = {"d": list(gan.d_parameters()), "g": list(gan.generator.parameters())}
    gradients = {role: [p.grad for p in parameters if p.grad is not None] for role, parameters in networks.items()}
    return {f"{role}/grad_norm": float(torch.nn.utils.get_total_norm(grads)) for role, grads in gradients.items()}


def singular_values(gan: Gan) -> dict[str, float]:
    """Return the largest singular value of every spectrally normalised weight, as trained: `sigma/<layer>`.

    It is the running estimate that the weight is divided by, so the layer's output does not depend on it. In BigGAN its
    explosion comes with a collapse (arXiv:1809.11096, section 4).
    """
    layers = _normalized(gan)
    if not layers:
        return {}
    values = torch.stack([norm.norm.sigma(norm.weight).detach() for norm in layers.values()]).tolist()
    return {f"sigma/{name}": value for name, value in zip(layers, values, strict=True)}


def normalized_sigma(gan: Gan) -> dict[str, float]:
    """Return the largest true singular value of any normalised weight, `health/normalized_sigma`; it should be 1.

    It is greater than 1 if one power iteration a step cannot follow the weight. Without such weights: nothing.
    """
    with torch.no_grad():
        values = [
            float(torch.linalg.matrix_norm(layer.norm(layer.weight).flatten(1).float().cpu(), ord=2))
            for layer in _normalized(gan).values()
        ]
    return {"health/normalized_sigma": max(values)} if values else {}


def _normalized(gan: Gan) -> dict[str, NormalizedWeight]:
    """Return the normalised weights that are trained, by their names in the checkpoint; not those of the average."""
    networks = {"generator": gan.generator, "discriminator": gan.discriminator, "task_modules": gan.task_modules}
    return {f"{name}.{w.layer}": w for name, network in networks.items() for w in normalized_weights(network)}


def logit_gap(gan: Gan, references: References, fake: ImageData) -> dict[str, float]:
    """Return the mean logits of training, held-out and generated images, and how far D tells the first two apart.

    `health/d_gap` is the mean logit of training images minus that of held-out ones: 0 for a D that knows no single
    image. `health/d_gap_share` is the gap divided by the distance between the means of training and generated images:
    at 1, held-out images are as far from training images as generated ones are. The share is left out if D does not
    clearly tell real from generated images. No image is augmented.
    """
    if references.held_out is None:
        return {}
    named = {"train": references.train, "held_out": references.held_out, "fake": fake}
    logits = {
        name: discriminator_logits(gan.discriminator, data, num_classes=gan.num_classes).double()
        for name, data in named.items()
    }
    means = {name: float(logits_N.mean()) for name, logits_N in logits.items()}
    gap, separation = means["train"] - means["held_out"], means["train"] - means["fake"]
    values = {f"health/d_logit_{name}": mean for name, mean in means.items()} | {"health/d_gap": gap}
    variances = [float(logits[name].var(correction=0)) / len(logits[name]) for name in ("train", "fake")]
    if separation > MIN_SEPARATION_ERRORS * sum(variances) ** 0.5:
        values["health/d_gap_share"] = gap / separation
    return values


def pairwise_distance(references: References, fake: ImageData) -> dict[str, float]:
    """Return how far apart generated images are, relative to training images: `health/pairwise_distance`.

    It compares the mean Euclidean distances in pixels over all pairs: about 1 for a good generator, 0 if all images are
    equal.
    """
    if len(references.train) < 2:
        return {}
    real = mean_distance(references.train.images_NCHW)
    return {"health/pairwise_distance": mean_distance(fake.images_NCHW) / max(real, 1e-8)}


def mean_distance(images_NCHW: Tensor) -> float:
    """Return the mean Euclidean distance over all pairs of two or more uint8 images."""
    return float(torch.nn.functional.pdist(images_NCHW.flatten(1).float()).double().mean())

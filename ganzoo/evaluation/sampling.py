"""Reproducible images from a generator, without any effect on its training. N: images; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.architectures.base import Generator
from ganzoo.batch import Latents, to_uint8
from ganzoo.errors import NotFiniteError
from ganzoo.layers.batch_statistics import BatchNormStatistics, evaluation_mode, with_standing_statistics
from ganzoo.randomness import make_generator

BATCH_SIZE = 64
CHUNK_SIZE = 64  # latents drawn at once; independent of the batch size
NUM_STANDING_BATCHES = 100  # that standing statistics are averaged over


def sample_images(
    generator: Generator,
    num: int,
    *,
    num_classes: int,
    seed: int,
    device: torch.device,
    stream: str = "evaluation",
    labels: Tensor | None = None,
    batch_size: int = BATCH_SIZE,
    batch_norm: BatchNormStatistics = "running",
) -> tuple[Tensor, Tensor | None]:
    """Return `num` generated images, uint8 (N, C, H, W) on the CPU, and their labels (N,), or None.

    The network runs in evaluation mode. The latent and the label of image i depend on seed, stream and i alone, so that
    the first images of a larger sample are those of a smaller one.

    Args:
        generator: on `device`; it is not changed, and its modes are restored.
        num: images.
        num_classes: of a conditional generator, whose labels are drawn uniformly; 0 for an unconditional one.
        seed: of latents and labels.
        device: where the generator lives.
        stream: name of the random stream.
        labels: (N,), used instead of drawn ones; only for a conditional generator.
        batch_size: images at once; with running statistics it changes at most the last bits before rounding.
        batch_norm: the statistics that batch normalization uses; `standing` ones are averages over 100 other batches.

    Raises:
        NotFiniteError: the generator makes NaN or infinite pixels.
    """
    latents_NL, labels_N = draw_latents(generator, num, num_classes=num_classes, seed=seed, stream=stream)
    if labels is not None:
        assert num_classes, "labels are given to an unconditional generator"
        assert labels.shape == (num,), f"{num} images need {num} labels, not {tuple(labels.shape)}"
        labels_N = labels.cpu()
    if batch_norm == "standing":
        generator = standing_copy(
            generator, num_classes=num_classes, seed=seed, device=device, stream=stream, batch_size=batch_size
        )
    batches = []
    with evaluation_mode(generator, uses_batch=batch_norm == "batch"), torch.no_grad():
        for rows in torch.split(torch.arange(num), batch_size):
            batch_labels = None if labels_N is None else labels_N[rows].to(device)
            images_NCHW = generator(Latents(latents_NL[rows].to(device), batch_labels))
            if not bool(torch.isfinite(images_NCHW).all()):
                raise NotFiniteError("the generator makes images with NaN or infinite pixels")
            batches.append(to_uint8(images_NCHW).cpu())
    images = torch.cat(batches) if batches else torch.empty(0, *generator.image_shape, dtype=torch.uint8)
    return images.contiguous(), labels_N


def standing_copy(
    generator: Generator, *, num_classes: int, seed: int, device: torch.device, stream: str, batch_size: int
) -> Generator:
    """Return a copy of a generator with standing statistics, from latents and labels of a stream of its own."""
    num = NUM_STANDING_BATCHES * batch_size
    latents_NL, labels_N = draw_latents(
        generator, num, num_classes=num_classes, seed=seed, stream=f"{stream}/standing statistics"
    )

    def forward(copy: Generator) -> None:
        for rows in torch.split(torch.arange(num), batch_size):
            copy(Latents(latents_NL[rows].to(device), None if labels_N is None else labels_N[rows].to(device)))

    return with_standing_statistics(generator, forward)


def draw_latents(
    generator: Generator, num: int, *, num_classes: int, seed: int, stream: str
) -> tuple[Tensor, Tensor | None]:
    """Return latents (N, L) and, for a conditional generator, labels (N,), on the CPU."""
    # Whole chunks, cut to length, since the numbers of torch's generator depend on how many are drawn at once.
    num_chunks = -(-num // CHUNK_SIZE)
    latents_rng, labels_rng = make_generator(seed, f"{stream}/latents"), make_generator(seed, f"{stream}/labels")
    latents = [generator.sample_latents(CHUNK_SIZE, rng=latents_rng) for _ in range(num_chunks)]
    latents_NL = torch.cat(latents)[:num] if latents else torch.empty(0, generator.latent_dim)
    if not num_classes:
        return latents_NL, None
    labels = [torch.randint(num_classes, (CHUNK_SIZE,), generator=labels_rng) for _ in range(num_chunks)]
    return latents_NL, torch.cat(labels)[:num] if labels else torch.empty(0, dtype=torch.int64)

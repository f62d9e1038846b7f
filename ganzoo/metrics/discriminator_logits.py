"""The logits of a discriminator for stored images. N: images; n: of a batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import to_images
from ganzoo.data.base import ImageData
from ganzoo.errors import UserError
from ganzoo.layers.batch_statistics import evaluation_mode

BATCH_SIZE = 64


def discriminator_logits(discriminator: Discriminator, data: ImageData, *, num_classes: int) -> Tensor:
    """Return float32 logits (N,) on the CPU, larger meaning "more real".

    The discriminator runs in evaluation mode and is not changed; its spectral norms do not advance.

    Args:
        discriminator: D.
        data: at least one image; with labels if the GAN is conditional.
        num_classes: classes of the labels that D takes; 0 for an unconditional GAN, whose D gets no labels.

    Raises:
        UserError: images without labels, for a conditional GAN.
    """
    device = next(discriminator.parameters()).device
    labels_N = data.labels_N if num_classes else None
    if num_classes and labels_N is None:
        raise UserError("a conditional discriminator needs labels and these images have none; choose a labelled split")
    logits = []
    with evaluation_mode(discriminator), torch.no_grad():
        for rows_n in torch.split(torch.arange(len(data)), BATCH_SIZE):
            x_nCHW = to_images(data.images_NCHW[rows_n], device=device)
            output = discriminator(x_nCHW, None if labels_N is None else labels_N[rows_n].to(device))
            logits.append(output.logits_N.float().cpu())
    return torch.cat(logits)

"""How alike fakes are to each other. N: images; P, n: pairs, of a chunk; C, H, W: image; K: classes."""

from typing import ClassVar

import torch
from piq import multi_scale_ssim
from torch import Tensor

from ganzoo.component import DeclaredArguments, name_of
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import UserError, check_at_least
from ganzoo.metrics.base import Measurement, Metric, MetricInputs, mean_and_error
from ganzoo.randomness import make_generator
from ganzoo.registry import register

WINDOW = 11  # pixels, the width of a Gaussian of deviation 1.5
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al., section 3.2, from the finest scale to the coarsest
CHUNK_SIZE = 256  # pairs at once, to bound the memory


@register("metrics")
class ms_ssim(DeclaredArguments, Metric):
    """The mean multi-scale structural similarity of pairs of fakes; lower is more diverse.

    Two equal images have 1. Fakes lack variety if their value is above `ms_ssim_real`, that of real images. A value
    below it is no merit: noise has it too. For a conditional GAN both images of a pair, fake or real, are of one class,
    and all classes are equally likely; otherwise any two images make a pair. The protocol says which. The standard
    error is over pairs.

    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar 2003
    (by the library piq); as a measure of diversity Odena et al., arXiv:1610.09585, section 4.2.
    Departures: five scales need images of 161 px. Smaller images use as many scales as fit, with weights renormalised:
    1 at 16 px, 2 at 32, 3 at 64, 4 at 128. Enlarging them instead would compare the filter with itself at the fine
    scales, since interpolated pixels hold no detail. Colours are compared channel by channel and averaged; a negative
    similarity counts as 0.

    >>> images_NCHW = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    >>> row_P = torch.tensor([0])
    >>> similarities(images_NCHW, row_P, row_P)
    tensor([1.], dtype=torch.float64)

    Args:
        reference_split: the split that the real images come from.
        num_real: how many real images pairs are drawn from, a random choice that is always the same; None for all.
        num_fake: how many generated images pairs are drawn from.
        num_pairs: pairs of either kind, drawn at random.
    """

    # The number for generated images is the same for every split.
    told_apart_by: ClassVar[tuple[str, ...]] = ()

    reference_split: str = "train"
    num_real: int | None = None
    num_fake: int = 10_000
    num_pairs: int = 5_000

    def __post_init__(self) -> None:
        check_at_least(2, num_real=self.num_real, num_fake=self.num_fake, num_pairs=self.num_pairs)

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, one of too few images, or images smaller than the window."""
        self.check_split(spec, "reference_split", self.reference_split, least=self.num_real or 2, limit="num_real")
        side = min(spec.image_shape[1:])
        if side < WINDOW:
            raise UserError(f"{name_of(type(self))} needs images of at least {WINDOW} px and these have {side}")

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the mean similarity of fakes and that of real images, each with its standard error."""
        real = inputs.real_images(self.reference_split, self.num_real)
        fakes = inputs.fake_images(self.num_fake)
        pairs = "within classes" if inputs.num_classes else "of any two images"
        measurements = []
        for name, data, count, split in (
            ("ms_ssim", fakes, "num_fake", None),
            ("ms_ssim_real", real, "num_real", self.reference_split),
        ):
            value, error = mean_and_error(self._similarities(data, inputs, stream=f"metrics/{name}"))
            protocol = {
                **inputs.protocol(None, split),
                count: len(data),
                "num_pairs": self.num_pairs,
                "pairs": pairs,
                "num_scales": num_scales(min(data.images_NCHW.shape[2:])),
            }
            measurements.append(Measurement(name, value, error, False, protocol, "pairs"))
        return measurements

    def _similarities(self, data: ImageData, inputs: MetricInputs, *, stream: str) -> Tensor:
        rng = make_generator(inputs.seed, stream)
        if inputs.num_classes:
            if data.labels_N is None:
                raise UserError(
                    f"{name_of(type(self))} of a conditional GAN compares images of one class, and the split "
                    f"'{self.reference_split}' has no labels; set {name_of(type(self))}.reference_split to another"
                )
            labels_N, num_classes = data.labels_N, inputs.num_classes
        else:
            labels_N, num_classes = torch.zeros(len(data), dtype=torch.int64), 1
        counts_K = torch.bincount(labels_N, minlength=num_classes)
        if int(counts_K.min()) < 2:
            raise UserError(
                f"{name_of(type(self))} needs 2 images of every class, real and generated, and class "
                f"{int(counts_K.argmin())} has {int(counts_K.min())} of {len(data)}; raise num_fake and num_real"
            )
        first_P, second_P = draw_pairs(labels_N, self.num_pairs, num_classes=num_classes, rng=rng)
        return similarities(data.images_NCHW, first_P, second_P)


def num_scales(side: int) -> int:
    """Return how many of the five scales can be used at a side in pixels: the window must fit the coarsest."""
    return sum((WINDOW - 1) * 2**i < side for i in range(len(WEIGHTS)))


def draw_pairs(labels_N: Tensor, num: int, *, num_classes: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the rows (P,) of the first and of the second images: two different ones of a class drawn uniformly.

    Args:
        labels_N: labels of the images; every class needs 2.
        num: P.
        num_classes: K.
        rng: the source of randomness.
    """
    counts_K = torch.bincount(labels_N, minlength=num_classes)
    starts_K = counts_K.cumsum(0) - counts_K
    rows_N = labels_N.argsort(stable=True)  # class by class
    class_P = torch.randint(num_classes, (num,), generator=rng)
    count_P = counts_K[class_P]
    first_P = (torch.rand(num, dtype=torch.float64, generator=rng) * count_P).long()
    # A step of 1 to count - 1 leads to another image of the class; all are equally likely.
    step_P = 1 + (torch.rand(num, dtype=torch.float64, generator=rng) * (count_P - 1)).long()
    second_P = (first_P + step_P) % count_P
    return rows_N[starts_K[class_P] + first_P], rows_N[starts_K[class_P] + second_P]


def similarities(images_NCHW: Tensor, first_P: Tensor, second_P: Tensor) -> Tensor:
    """Return the similarity (P,), float64 in 0..1, of the images of each pair of rows; images are uint8."""
    weights = torch.tensor(WEIGHTS[: num_scales(min(images_NCHW.shape[2:]))])
    chunks = []
    for first_n, second_n in zip(torch.split(first_P, CHUNK_SIZE), torch.split(second_P, CHUNK_SIZE), strict=True):
        x_nCHW, y_nCHW = images_NCHW[first_n].float(), images_NCHW[second_n].float()
        # The library divides the weights by their sum.
        values_n = multi_scale_ssim(x_nCHW, y_nCHW, WINDOW, data_range=255, reduction="none", scale_weights=weights)
        chunks.append(values_n.double())
    return torch.cat(chunks)

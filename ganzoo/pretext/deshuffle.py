"""Deshuffling: which permutation of nine tiles was applied. N: batch; C, H, W: image; K: permutations; F: features."""

from functools import cache
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.architectures.base import ImageShape
from ganzoo.batch import ImageBatch
from ganzoo.errors import ParameterError
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import LossTerm, Role, StepBatch, TaskOutputs, TaskResult, View, ViewOutput
from ganzoo.pretext.transform_prediction import accuracy
from ganzoo.pretext.weighted_task import WeightedTask
from ganzoo.registry import register

GRID = 3
NUM_TILES = GRID * GRID
MIN_SIZE = 12  # pixels; below, a tile of less than 4 x 4 pixels holds nothing to recognise its place by
MAX_PERMUTATIONS = 1000


@register("pretext")
class deshuffle(WeightedTask):
    """Predict by which of K permutations the nine tiles of an image were shuffled (DeshuffleGAN).

    Source: Baykal & Unal, "DeshuffleGAN", arXiv:2006.08694; the choice of permutations follows Noroozi & Favaro,
    arXiv:1603.09246. D learns the task on real images, G is rewarded for fakes that D can deshuffle; each image of the
    batch is shown once more, shuffled.
    Departures: the choice starts from the identity, which is then left out, and maximises the distance to the nearest
    permutation, not the mean one, which lets near neighbours in; it is deterministic. Of an image whose side is not
    divisible by 3 the largest centred square that is gets shuffled, and the frame around it stays; the authors' code
    starts at the upper left corner and repeats the border. alpha is rotation's by default, 0.5 in that code; beta is 1
    there too.

    >>> image_1CHW, backwards_19 = torch.arange(9).reshape(1, 1, 3, 3), torch.arange(8, -1, -1)[None]
    >>> shuffle_tiles(image_1CHW, backwards_19)[0, 0].tolist()
    [[8, 7, 6], [5, 4, 3], [2, 1, 0]]

    Args:
        num_permutations: K, how many permutations there are to tell apart, at least 2.
    """

    alpha: float = 0.2
    beta: float = 1.0
    num_permutations: int = 30
    feature_dim: int
    image_shape: ImageShape
    layers: LayerFactory

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.num_permutations <= MAX_PERMUTATIONS:
            raise ParameterError(
                "num_permutations", f"must lie in [2, {MAX_PERMUTATIONS}], not {self.num_permutations}"
            )
        _, height, width = self.image_shape
        if min(height, width) < MIN_SIZE:
            raise ValueError(
                f"images of {height} x {width} pixels are too small to shuffle; "
                f"it needs at least {MIN_SIZE} x {MIN_SIZE}"
            )
        self.head = self.layers.linear(self.feature_dim, self.num_permutations)
        self.register_buffer("permutations_K9", distant_permutations(self.num_permutations), persistent=False)
        self.chance = dict.fromkeys(("accuracy_real", "accuracy_fake"), 1 / self.num_permutations)

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, View]:
        """Return every real image in D's step, every generated one in G's, shuffled by a permutation of its own."""
        images = batch.real if role == "d" else batch.fake
        assert images is not None
        permutations_K9 = self.get_buffer("permutations_K9")
        targets_N = torch.randint(len(permutations_K9), (len(images),), generator=rng)
        targets_N = targets_N.to(images.images_NCHW.device)
        shuffled_NCHW = shuffle_tiles(images.images_NCHW, permutations_K9[targets_N])
        shuffled = ImageBatch(shuffled_NCHW, images.labels_N)
        return {"shuffled": View(shuffled, "real" if role == "d" else "fake", targets_N)}

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy on real images, weighted by beta."""
        return self._classify(outputs.views["shuffled"], "real", self.d_weight(step))

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy on generated images, weighted by alpha."""
        return self._classify(outputs.views["shuffled"], "fake", self.g_weight(step))

    def _classify(self, shuffled: ViewOutput, source: str, weight: float) -> TaskResult:
        assert shuffled.targets_N is not None
        logits_NK = self.head(shuffled.output.features_NF).float()
        loss = functional.cross_entropy(logits_NK, shuffled.targets_N)
        return TaskResult(
            [LossTerm("loss", loss, weight)], {f"accuracy_{source}": accuracy(logits_NK, shuffled.targets_N)}
        )


@cache
def distant_permutations(num: int) -> Tensor:
    """Return (num, 9) permutations of the nine tiles, each as far as can be from the identity and those before it.

    Distance is the number of tiles in different places. The nearest of the permutations chosen so far counts; of
    equally good ones the farthest from all of them together is taken, then the first in lexicographic order.
    """
    all_P9 = torch.tensor(list(permutations(range(NUM_TILES))), dtype=torch.int8)
    nearest_P = torch.full((len(all_P9),), NUM_TILES)
    total_P = torch.zeros(len(all_P9), dtype=torch.int64)
    chosen = [0]  # the identity
    for _ in range(num):
        distance_P = (all_P9 != all_P9[chosen[-1]]).sum(1)
        nearest_P = torch.minimum(nearest_P, distance_P)
        total_P += distance_P
        # One number orders by the nearest and then by the sum, which is at most 9 (num + 1).
        score_P = nearest_P * (NUM_TILES * (num + 1) + 1) + total_P
        # The first maximum, found in a way that does not depend on how argmax breaks ties.
        chosen.append(int((score_P == score_P.max()).nonzero()[0]))
    return all_P9[chosen[1:]].long()


def shuffle_tiles(x_NCHW: Tensor, permutations_N9: Tensor) -> Tensor:
    """Return images whose tile at place i is the tile from place `permutations_N9[:, i]`; places count row by row."""
    num, channels, height, width = x_NCHW.shape
    tile = min(height, width) // GRID
    side = GRID * tile
    rows = slice((height - side) // 2, (height - side) // 2 + side)
    columns = slice((width - side) // 2, (width - side) // 2 + side)

    square = x_NCHW[:, :, rows, columns].reshape(num, channels, GRID, tile, GRID, tile)
    tiles_N9Ctt = square.permute(0, 2, 4, 1, 3, 5).reshape(num, NUM_TILES, channels, tile, tile)
    images_N1 = torch.arange(num, device=x_NCHW.device)[:, None]
    grid = tiles_N9Ctt[images_N1, permutations_N9].reshape(num, GRID, GRID, channels, tile, tile)
    shuffled_NCHW = x_NCHW.clone()
    shuffled_NCHW[:, :, rows, columns] = grid.permute(0, 3, 1, 4, 2, 5).reshape(num, channels, side, side)
    return shuffled_NCHW

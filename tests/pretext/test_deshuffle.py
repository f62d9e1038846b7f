"""Deshuffling against hand-made tiles."""

from collections.abc import Mapping

import pytest
import torch

from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import StepBatch, TaskOutputs, ViewOutput
from ganzoo.pretext.deshuffle import deshuffle, distant_permutations, shuffle_tiles

DIGITS = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])


def task(size: int = 12, **options: object) -> deshuffle:
    runtime_args = {"feature_dim": 4, "image_shape": (1, size, size), "num_steps": 5}
    return deshuffle(layers=LayerFactory(spectral_norm=False), **runtime_args, **options)  # type: ignore[arg-type]


def test_place_i_shows_the_tile_from_the_place_that_the_permutation_names() -> None:
    image = DIGITS.repeat_interleave(2, 0).repeat_interleave(2, 1)[None, None]  # nine tiles of 2 x 2
    shuffled = shuffle_tiles(image, torch.tensor([[8, 0, 1, 2, 3, 4, 5, 6, 7]]))
    expected = torch.tensor([[9.0, 1, 2], [3, 4, 5], [6, 7, 8]]).repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(shuffled[0, 0], expected)


def test_tiles_keep_their_inside_upright() -> None:
    image = torch.arange(36.0).reshape(1, 1, 6, 6)
    shuffled = shuffle_tiles(image, torch.tensor([[4, 1, 2, 3, 0, 5, 6, 7, 8]]))  # the centre and the first change
    assert shuffled[0, 0, :2, :2].tolist() == [[14.0, 15.0], [20.0, 21.0]]
    assert shuffled[0, 0, 2:4, 2:4].tolist() == [[0.0, 1.0], [6.0, 7.0]]


def test_a_side_not_divisible_by_three_keeps_its_frame() -> None:
    image = torch.arange(64.0).reshape(1, 1, 8, 8)
    shuffled = shuffle_tiles(image, torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8, 0]]))
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[1:7, 1:7] = True
    assert torch.equal(shuffled[0, 0][~inside], image[0, 0][~inside])
    assert sorted(shuffled[0, 0][inside].tolist()) == sorted(image[0, 0][inside].tolist())
    assert not torch.equal(shuffled, image)


def test_each_image_has_a_permutation_of_its_own() -> None:
    images = DIGITS.repeat_interleave(4, 0).repeat_interleave(4, 1).expand(8, 1, 12, 12)
    view = task().views(StepBatch(ImageBatch(images)), role="g", rng=torch.Generator().manual_seed(0))["shuffled"]
    assert view.targets_N is not None
    for image, target in zip(view.batch.images_NCHW, view.targets_N.tolist(), strict=True):
        assert (image[0, ::4, ::4].flatten() - 1).tolist() == distant_permutations(30)[target].tolist()
    assert len(set(view.targets_N.tolist())) > 1


def test_thirty_permutations_are_far_from_each_other_and_from_the_identity() -> None:
    with_identity = torch.cat([torch.arange(9)[None], distant_permutations(30)])
    distance = (with_identity[:, None] != with_identity[None]).sum(2) + 9 * torch.eye(31, dtype=torch.int64)
    assert all(sorted(p) == list(range(9)) for p in with_identity.tolist())
    # Nine permutations at distance 9 form a Latin square: no tenth can be as far from all of them.
    assert int(distance[:9, :9].min()) == 9
    assert int(distance.min()) == 7


def test_d_is_asked_about_real_images_and_g_about_fakes_with_their_own_labels() -> None:
    real = ImageBatch(torch.zeros(4, 1, 12, 12), torch.tensor([0, 0, 1, 1]))
    fake = ImageBatch(torch.ones(4, 1, 12, 12), torch.tensor([2, 3, 2, 3]))
    for role, source, batch in (("d", "real", real), ("g", "fake", fake)):
        view = task().views(StepBatch(fake, real), role=role, rng=torch.Generator())["shuffled"]  # type: ignore[arg-type]
        assert view.source == source
        assert torch.equal(view.batch.images_NCHW, batch.images_NCHW)
        assert torch.equal(view.batch.labels_N, batch.labels_N)  # type: ignore[arg-type]
        assert not view.adversarial


def test_the_loss_is_the_cross_entropy_of_the_head_and_the_accuracy_its_hits() -> None:
    tested = task(num_permutations=4, alpha=0.3, beta=0.5, alpha_schedule="linear")
    with torch.no_grad():
        tested.head.weight.copy_(torch.eye(4))
    features = torch.log(torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.2, 0.3]]))
    seen = ViewOutput(
        ImageBatch(torch.zeros(2, 1, 12, 12)), DiscriminatorOutput(torch.zeros(2), features), torch.tensor([0, 1])
    )
    views: Mapping[str, ViewOutput] = {"shuffled": seen}
    expected = -(torch.tensor([0.7, 0.25]).log().mean())

    d = tested.d_terms(TaskOutputs(seen, seen, views), step=2)
    torch.testing.assert_close(d.terms[0].value, expected)
    assert d.terms[0].weight == 0.5
    assert float(d.reports["accuracy_real"]) == 0.5
    g = tested.g_terms(TaskOutputs(seen, None, views), step=2)
    torch.testing.assert_close(g.terms[0].value, expected)
    assert g.terms[0].weight == pytest.approx(0.15)
    assert float(g.reports["accuracy_fake"]) == 0.5
    assert tested.chance == {"accuracy_real": 0.25, "accuracy_fake": 0.25}


def test_images_too_small_to_have_tiles_are_refused() -> None:
    with pytest.raises(ValueError, match="8 x 8 pixels are too small to shuffle"):
        task(size=8)
    with pytest.raises(ValueError, match="num_permutations"):
        task(num_permutations=1)

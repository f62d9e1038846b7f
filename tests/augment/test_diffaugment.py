"""DiffAugment against loops over images, with numbers drawn from an equal generator."""

import pytest
import torch
from torch import Tensor

from ganzoo.augment.diffaugment import diffaugment

IMAGES_NCHW = torch.rand(24, 3, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def augmented(*policy: str, images_NCHW: Tensor = IMAGES_NCHW) -> Tensor:
    out: Tensor = diffaugment(policy=policy)(images_NCHW, rng=rng())  # type: ignore[arg-type]
    return out


def test_colours_change_by_the_published_ranges_in_the_published_order() -> None:
    same = rng()
    brightness, saturation, contrast = (torch.rand(24, 1, 1, 1, generator=same).flatten() for _ in range(3))
    for x, out, b, s, c in zip(IMAGES_NCHW, augmented("color"), brightness, saturation, contrast, strict=True):
        brighter = x + (b - 0.5)
        grey = (brighter[0] + brighter[1] + brighter[2]) / 3
        saturated = torch.stack([grey + 2 * s * (channel - grey) for channel in brighter])
        expected = saturated.mean() + (0.5 + c) * (saturated - saturated.mean())
        torch.testing.assert_close(out, expected)


def test_a_shift_moves_whole_pixels_by_at_most_an_eighth_and_uncovers_0() -> None:
    same = rng()
    y_N, x_N = torch.randint(-2, 3, (24,), generator=same), torch.randint(-3, 4, (24,), generator=same)
    for x, out, dy, dx in zip(IMAGES_NCHW, augmented("translation"), y_N.tolist(), x_N.tolist(), strict=True):
        for i in range(16):
            for j in range(24):
                is_inside = 0 <= i - dy < 16 and 0 <= j - dx < 24
                assert torch.equal(out[:, i, j], x[:, i - dy, j - dx] if is_inside else torch.zeros(3))
    assert set(y_N.tolist()) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize(("size", "most"), [(8, 1), (11, 1), (12, 2), (20, 3), (32, 4)])
def test_the_largest_shift_is_an_eighth_with_halves_rounded_up(size: int, most: int) -> None:
    image = torch.zeros(1, 1, size, size)
    image[..., size // 2, size // 2] = 1.0
    moved = augmented("translation", images_NCHW=image.repeat(400, 1, 1, 1))
    rows = moved.sum((1, 3)).argmax(1) - size // 2
    assert set(rows.tolist()) == set(range(-most, most + 1))


@pytest.mark.parametrize("size", [16, 17, 18, 19])
def test_the_hole_is_half_as_high_and_wide_and_its_centre_lies_in_the_image(size: int) -> None:
    x = torch.ones(400, 1, size, size)
    holes = augmented("cutout", images_NCHW=x)[:, 0] == 0
    rows, columns = holes.any(2), holes.any(1)
    assert torch.equal(holes, rows[:, :, None] & columns[:, None, :])
    whole, length = (size + 1) // 2, rows.sum(1)
    # With its centre at the border half of it, rounded up, still lies inside.
    assert length.max() == whole
    assert length.min() == (whole + 1) // 2
    for row in rows.tolist():
        start = row.index(True)
        assert row == [False] * start + [True] * sum(row) + [False] * (size - start - sum(row))
    # Every place of the centre is as likely as any other: `size` of them, one more for an even length.
    inside = torch.tensor([sum(row) == whole for row in rows.tolist()]).float().mean()
    num_places = size + 1 - whole % 2
    assert inside == pytest.approx((size - whole + 1) / num_places, abs=0.08)


def test_the_whole_policy_is_its_parts_in_their_order() -> None:
    same, parts = rng(), IMAGES_NCHW
    for name in ("cutout", "color"):
        parts = diffaugment(policy=[name])(parts, rng=same)  # type: ignore[list-item]
    assert torch.equal(augmented("cutout", "color"), parts)
    assert not torch.equal(augmented("color", "cutout"), parts)


@pytest.mark.parametrize("channels", [1, 3])
def test_values_may_leave_the_range_and_gradients_pass_there_too(channels: int) -> None:
    white = torch.ones(24, channels, 16, 16, requires_grad=True)
    out = diffaugment(policy=["color"])(white, rng=rng())
    assert out.max() > 1.2
    (gradient,) = torch.autograd.grad(out.sum(), white)
    # A sum over the image changes by no shift of contrast or saturation.
    torch.testing.assert_close(gradient, torch.ones_like(gradient))


@pytest.mark.parametrize("policy", [(), ("color", "colour"), ("cutout", "cutout")])
def test_a_policy_of_nothing_of_the_unknown_or_twice_the_same_is_refused(policy: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="policy must name each of color, translation, cutout at most once"):
        diffaugment(policy=policy)  # type: ignore[arg-type]

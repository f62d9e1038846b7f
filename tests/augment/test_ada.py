"""ADA: each transform against numpy with numbers drawn from an equal generator, and p's way by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation
from torch import Tensor

from ganzoo.augment.ada import TRANSFORMS, ada

NUM, SIZE = 12, 16
IMAGES_NCHW = torch.rand(NUM, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1
LUMA = np.ones(3) / math.sqrt(3)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def augmented(*transforms: str, probability: float = 1.0) -> Tensor:
    augment = ada(transforms=transforms, initial_probability=probability)  # type: ignore[arg-type]
    out: Tensor = augment(IMAGES_NCHW, rng=rng())
    return out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("transforms", [TRANSFORMS, *((name,) for name in TRANSFORMS)])
def test_p_of_0_returns_the_images_to_the_bit(transforms: tuple[str, ...], channels: int) -> None:
    x = IMAGES_NCHW[:, :channels]
    assert torch.equal(ada(transforms=transforms)(x, rng=rng()), x)  # type: ignore[arg-type]


def test_the_same_numbers_are_drawn_whatever_p_is() -> None:
    states = []
    for probability in (0.0, 0.5, 1.0):
        generator = rng()
        ada(initial_probability=probability)(IMAGES_NCHW, rng=generator)
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


def test_flips_and_quarter_turns_are_numpys_to_the_bit() -> None:
    flips = torch.randint(2, (NUM,), generator=rng()).tolist()
    for x, out, is_flipped in zip(IMAGES_NCHW, augmented("flip"), flips, strict=True):
        assert np.array_equal(out, np.flip(x.numpy(), 2) if is_flipped else x)
    turns = torch.randint(4, (NUM,), generator=rng()).tolist()
    for x, out, k in zip(IMAGES_NCHW, augmented("quarter_turn"), turns, strict=True):
        assert np.array_equal(out, np.rot90(x, k, axes=(1, 2)))
    assert set(turns) == {0, 1, 2, 3}


def test_an_integer_shift_shows_the_mirrored_border_to_the_bit() -> None:
    shifts = ((torch.rand(NUM, 2, generator=rng()) * 2 - 1) * 0.125 * SIZE).round().int().tolist()
    for x, out, (dx, dy) in zip(IMAGES_NCHW, augmented("integer_shift"), shifts, strict=True):
        padded = np.pad(x, ((0, 0), (2, 2), (2, 2)), mode="reflect")
        assert np.array_equal(out, padded[:, 2 - dy : 2 - dy + SIZE, 2 - dx : 2 - dx + SIZE])
    assert len({tuple(shift) for shift in shifts}) > 4


def moved(x: Tensor, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return scipy's linear interpolation of an image that is mapped about its centre, rows before columns."""
    inverse, center = np.linalg.inv(matrix), np.full(2, (SIZE - 1) / 2)
    offset = center - inverse @ (center + shift)
    return np.stack([affine_transform(channel, inverse, offset, order=1, mode="mirror") for channel in x.double()])


def close(out: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(out, expected, atol=5e-5)


def test_scales_stretches_and_fractional_shifts_have_the_published_spread() -> None:
    exponents = (torch.randn(NUM, generator=rng()) * 0.2).tolist()
    for x, scaled, stretched, e in zip(IMAGES_NCHW, augmented("scale"), augmented("stretch"), exponents, strict=True):
        close(scaled, moved(x, np.diag([2**e, 2**e]), np.zeros(2)))
        close(stretched, moved(x, np.diag([2**-e, 2**e]), np.zeros(2)))
    shifts = (torch.randn(NUM, 2, generator=rng()) * 0.125 * SIZE).tolist()
    for x, out, (dx, dy) in zip(IMAGES_NCHW, augmented("fractional_shift"), shifts, strict=True):
        close(out, moved(x, np.eye(2), np.array([dy, dx])))


def test_rotations_before_and_after_the_stretch_add_up_without_one() -> None:
    same, angles = rng(), []
    for _ in range(2):
        angles.append((torch.rand(NUM, generator=same) * 2 - 1) * math.pi)
        torch.rand(NUM, 1, 1, generator=same)  # the coin
    for x, out, angle in zip(IMAGES_NCHW, augmented("rotation"), sum(angles).tolist(), strict=True):  # type: ignore[union-attr]
        # Counter-clockwise, rows counted downward.
        matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        close(out, moved(x, matrix, np.zeros(2)))


def test_an_image_is_rotated_with_probability_p_and_every_other_transform_applied_so_too() -> None:
    x = IMAGES_NCHW[:1, :, :4, :4].expand(4000, 3, 4, 4)
    for name in ("rotation", "scale", "hue"):
        out = ada(transforms=[name], initial_probability=0.3)(x, rng=rng())  # type: ignore[list-item]
        changed = (out != x).flatten(1).any(1).float().mean()
        assert changed == pytest.approx(0.3, abs=4 * math.sqrt(0.3 * 0.7 / 4000))


def test_colours_have_the_published_ranges() -> None:
    normal, uniform = torch.randn(NUM, generator=rng()).tolist(), torch.rand(NUM, generator=rng()).tolist()
    flips = torch.randint(2, (NUM,), generator=rng()).tolist()
    outs = {name: augmented(name) for name in ("brightness", "contrast", "luma_flip", "hue", "saturation")}
    for i, x in enumerate(IMAGES_NCHW.double().numpy()):
        close(outs["brightness"][i], x + 0.2 * normal[i])
        close(outs["contrast"][i], x * 2 ** (0.5 * normal[i]))
        close(outs["luma_flip"][i], x - 2 * flips[i] * x.mean(0))
        turn = Rotation.from_rotvec((2 * uniform[i] - 1) * math.pi * LUMA).as_matrix()
        close(outs["hue"][i], np.einsum("ij,jhw->ihw", turn, x))
        close(outs["saturation"][i], x.mean(0) + (x - x.mean(0)) * 2 ** normal[i])


def test_colours_follow_geometry_and_the_order_asked_for_changes_nothing() -> None:
    assert torch.equal(augmented("flip", "brightness"), augmented("brightness", "flip"))


def test_gradients_reach_the_images_as_finite_differences_say() -> None:
    augment = ada(initial_probability=1.0).double()
    x = IMAGES_NCHW[:2, :, :4, :4].double()
    leaf = x.clone().requires_grad_()
    direction = torch.randn(x.shape, generator=rng(), dtype=torch.float64)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(augment.forward(leaf.float(), rng=rng()).square().sum(), leaf)
    ends = [augment.forward((x + e * direction).float(), rng=rng()).double().square().sum() for e in (1e-2, -1e-2)]
    assert float((gradient * direction).sum()) == pytest.approx(float(ends[0] - ends[1]) / 2e-2, rel=1e-3)


def logits(*signs: int) -> Tensor:
    return torch.tensor([3.0 * sign for sign in signs])


def test_p_follows_a_scripted_sequence_of_logits_as_by_hand() -> None:
    # Two batches of 4 images between changes, and 32 images from p = 0 to p = 1: each change is by a quarter.
    augment = ada(target=0.5, num_batches=2, ramp_kimg=0.032)
    script = [
        (logits(1, 1, 1, 1), 0.0, 1.0),
        (logits(1, 1, 1, -1), 0.25, 0.5),  # r_t 0.75: above
        (logits(1, 1, 1, 1), 0.25, 1.0),
        (logits(-1, -1, 1, 1), 0.25, 0.0),  # r_t 0.5: at the target, where nothing moves
        (logits(1, 1, 1, 1), 0.25, 1.0),
        (logits(1, 1, 1, 1), 0.5, 1.0),
        (logits(-1, -1, -1, -1), 0.5, -1.0),
        (logits(1, 1, 1, 1), 0.25, 1.0),  # r_t 0: below
        (logits(0, 0, -1, -1), 0.25, -0.5),
        (logits(-1, -1, -1, -1), 0.0, -1.0),
        (logits(-1, -1, -1, -1), 0.0, -1.0),
        (logits(-1, -1, -1, -1), 0.0, -1.0),  # not below 0
        *[(logits(1, 1, 1, 1), p, 1.0) for p in (0.0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1.0, 1.0, 1.0)],
    ]
    for i, (batch, p, r_t) in enumerate(script):
        augment.after_d_step(batch)
        assert {name: float(value) for name, value in augment.reports().items()} == {"p": p, "r_t": r_t}, i


def test_the_defaults_move_p_by_1_in_500_000_images() -> None:
    augment = ada()
    for _ in range(4):
        assert float(augment.reports()["p"]) == 0.0
        augment.after_d_step(torch.ones(64))
    assert float(augment.reports()["p"]) == pytest.approx(4 * 64 / 500_000)


def test_without_a_target_p_stays_and_r_t_is_still_reported() -> None:
    augment = ada(target=None, initial_probability=0.25, num_batches=1)
    augment.after_d_step(logits(1, 1, 1, -1))
    assert {name: float(value) for name, value in augment.reports().items()} == {"p": 0.25, "r_t": 0.5}


def test_a_state_saved_between_two_changes_goes_on_to_the_bit() -> None:
    whole, first, resumed = (ada(num_batches=3, ramp_kimg=0.1) for _ in range(3))
    batches = [torch.randn(8, generator=torch.Generator().manual_seed(i)) + 1 for i in range(12)]
    for i, batch in enumerate(batches):
        whole.after_d_step(batch)
        (first if i < 7 else resumed).after_d_step(batch)
        if i == 6:
            resumed.load_state_dict(first.state_dict())
    assert float(whole.probability) > 0
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in resumed.state_dict().items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transforms": ()}, "transforms must name each of flip, quarter_turn"),
        ({"transforms": ("flip", "flip")}, "at most once"),
        ({"transforms": ("blur",)}, r"at most once, and one of them, not \('blur',\)"),
        ({"target": 1.5}, r"target is a mean of signs and must lie in \[-1, 1\], not 1.5"),
        ({"initial_probability": -0.1}, r"initial_probability must lie in \[0, 1\], not -0.1"),
        ({"num_batches": 0}, "num_batches must be at least 1, not 0"),
        ({"ramp_kimg": 0.0}, "ramp_kimg must be above 0, not 0.0; target = None keeps p"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ada(**options)  # type: ignore[arg-type]

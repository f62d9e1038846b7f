"""The Frechet distance against closed forms and independent libraries. N: images; F: features."""

import inspect
from typing import Any

import cleanfid.fid
import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from ganzoo import registry
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.frechet_distance import CHUNK_SIZE, frechet_distance, gaussian_distance, moments


def features(num: int, num_features: int, *, seed: int, shift: float = 0.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    mixing = torch.randn(num_features, num_features, generator=torch.Generator().manual_seed(99)) / num_features**0.5
    return torch.randn(num, num_features, generator=rng) @ mixing + shift


def by_matrix_root(x_NF: Tensor, y_NF: Tensor) -> float:
    """The textbook's way: the root of the unsymmetric product."""
    x, y = x_NF.double().numpy(), y_NF.double().numpy()
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(s1 @ s2).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s1 + s2 - 2 * root))


def test_two_known_gaussians_have_the_closed_form() -> None:
    # Diagonal covariances: |m1 - m2|^2 + sum (sqrt(a) - sqrt(b))^2.
    a, b = torch.tensor([1.0, 4.0, 9.0]).double(), torch.tensor([4.0, 4.0, 1.0]).double()
    m1, m2 = torch.tensor([0.0, 1.0, 2.0]).double(), torch.tensor([3.0, 1.0, 0.0]).double()
    assert gaussian_distance(m1, a.diag(), m2, b.diag()) == pytest.approx(13 + 1 + 0 + 4)


def test_it_is_zero_of_a_set_with_itself_and_the_squared_shift_of_a_moved_one() -> None:
    x = features(300, 20, seed=0)
    assert gaussian_distance(*moments(x), *moments(x)) == pytest.approx(0, abs=1e-6)
    assert gaussian_distance(*moments(x), *moments(x + 0.5)) == pytest.approx(20 * 0.25, rel=1e-5)


@pytest.mark.parametrize(("num", "num_features"), [(500, 64), (40, 64)])
def test_it_equals_the_matrix_root_and_torch_fidelity(num: int, num_features: int) -> None:
    x, y = features(num, num_features, seed=1), features(num, num_features, seed=2, shift=0.2)
    ours = gaussian_distance(*moments(x), *moments(y))
    statistics = [fid_features_to_statistics(z.double()) for z in (x, y)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert ours == pytest.approx(theirs, rel=1e-3)
    if num > num_features:  # of a singular product no root need exist
        assert ours == pytest.approx(by_matrix_root(x, y), rel=1e-6)


def test_it_equals_clean_fid(monkeypatch: pytest.MonkeyPatch) -> None:
    if "disp" not in inspect.signature(scipy.linalg.sqrtm).parameters:
        # clean-fid asks for an argument that newer SciPy has dropped, and for the pair that it used to give.
        root = scipy.linalg.sqrtm
        monkeypatch.setattr(cleanfid.fid.linalg, "sqrtm", lambda matrix, disp=True: (root(matrix), 0.0))
    x, y = features(500, 64, seed=4), features(500, 64, seed=5, shift=0.1)
    statistics = [z.double().numpy() for z in (x, y)]
    arguments = [value for z in statistics for value in (z.mean(0), np.cov(z, rowvar=False))]
    ours = gaussian_distance(*moments(x), *moments(y))
    assert ours == pytest.approx(float(cleanfid.fid.frechet_distance(*arguments)), rel=1e-6)


def test_moments_are_numpy_s_over_several_chunks_and_far_from_the_origin() -> None:
    x = features(CHUNK_SIZE + 37, 5, seed=3) + 1000
    mean, covariance = moments(x)
    assert mean.numpy() == pytest.approx(x.double().numpy().mean(0), rel=1e-12)
    assert covariance.numpy() == pytest.approx(np.cov(x.double().numpy(), rowvar=False), rel=1e-9)
    assert covariance.dtype == torch.float64


def test_as_few_images_as_features_give_a_distance_far_too_large() -> None:
    # Two sets of one distribution: the distance should be 0, and is a good part of the features' variance.
    few, many = (
        gaussian_distance(*moments(features(n, 64, seed=1)), *moments(features(n, 64, seed=2))) for n in (64, 6400)
    )
    variance = float(moments(features(6400, 64, seed=1))[1].trace())
    assert few > 0.25 * variance
    assert many < 0.01 * variance


def test_no_more_images_than_features_are_refused_where_it_is_known_before_step_0(toy_features: Any) -> None:
    for arguments in ({"num_fake": 8}, {"num_real": 8}):
        with pytest.raises(ValueError, match=r"= 8 images give a singular covariance of 8 features"):
            frechet_distance(features=toy_features, **arguments)
    spec = DataSpec((1, 8, 8), 0, {"train": 8, "test": 9})
    with pytest.raises(
        UserError, match=r"metrics\.frechet_distance: 8 real images of the split 'train' give a singular"
    ):
        frechet_distance(features=toy_features).check_data(spec)
    frechet_distance(features=toy_features, reference_split="test", num_fake=9).check_data(spec)
    frechet_distance(features=toy_features, allow_singular=True, num_fake=8).check_data(spec)


def test_where_the_extractor_s_arguments_decide_the_images_are_counted_at_the_measurement(given_inputs: type) -> None:
    pixels = registry.part("features.pixels", size=2)
    metric = frechet_distance(features=pixels, num_fake=13)  # type: ignore[arg-type]
    for num_real, num_fake, kind in ((12, 13, "real"), (13, 12, "generated")):
        inputs = given_inputs(features(num_fake, 12, seed=1), train=features(num_real, 12, seed=2))
        with pytest.raises(UserError, match=f"12 {kind} images give a singular covariance of 12 features"):
            metric.measure(inputs)
    (regular,) = metric.measure(given_inputs(features(13, 12, seed=1), train=features(13, 12, seed=2)))
    assert "allow_singular" not in regular.protocol
    allowed = frechet_distance(features=pixels, num_fake=12, allow_singular=True)  # type: ignore[arg-type]
    (singular,) = allowed.measure(given_inputs(features(12, 12, seed=1), train=features(13, 12, seed=2)))
    assert singular.protocol["allow_singular"] is True

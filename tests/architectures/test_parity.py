"""Every family equals an independent reference: plain functions of the weights, written from the papers' equations.

The references know nothing of ganzoo's layers: they resample, normalise and attend by torch's functions, one after the
other, from the same named weights. V: weights and buffers by name.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.batch import Latents
from ganzoo.layers.spectral_norm import advance_spectral_norm

Values = dict[str, Tensor]
TOLERANCE = 1e-10  # in float64; float32 rounds to about 1e-5 where a batch varies little


def values(network: nn.Module) -> Values:
    """Return weights and buffers by name, a spectrally normalised weight divided by u^T W v."""
    state = dict(network.state_dict())
    for name in [name for name in state if name.endswith(".parametrizations.weight.original")]:
        prefix = name.removesuffix(".parametrizations.weight.original")
        u, v = (state[f"{prefix}.parametrizations.weight.0.{vector}"] for vector in ("u_O", "v_I"))
        state[f"{prefix}.weight"] = state[name] / (u @ state[name].flatten(1) @ v)
    return state


def conv(x: Tensor, v: Values, name: str, *, stride: int = 1) -> Tensor:
    weight = v[f"{name}.weight"]
    return F.conv2d(x, weight, v.get(f"{name}.bias"), stride=stride, padding=(weight.shape[-1] - 1) // 2)


def standardize(x: Tensor, v: Values, name: str, training: bool) -> Tensor:
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    if not training:
        mean, var = v[f"{name}.normalize.running_mean"], v[f"{name}.normalize.running_var"]
    return (x - mean[:, None, None]) / (var + 1e-5).sqrt()[:, None, None]


def batch_norm(x: Tensor, v: Values, name: str, y: Tensor | None, training: bool) -> Tensor:
    """Batch normalization, of the class where the network has a table for this place."""
    x = standardize(x, v, name, training)
    table = v.get(f"{name}.scale_and_shift.weight")
    if table is None:
        return x * v[f"{name}.normalize.weight"][:, None, None] + v[f"{name}.normalize.bias"][:, None, None]
    assert y is not None
    gain, bias = table[y].chunk(2, dim=1)
    return x * (1 + gain)[:, :, None, None] + bias[:, :, None, None]


def attend(x: Tensor, v: Values, name: str) -> Tensor:
    """SAGAN's equations 1 to 3 with pooled keys and values, pixel by pixel."""
    if f"{name}.scale" not in v:
        return x
    query = conv(x, v, f"{name}.query").flatten(2)
    key, value = (F.max_pool2d(conv(x, v, f"{name}.{part}"), 2).flatten(2) for part in ("key", "value"))
    scores = torch.einsum("ncp,ncr->npr", query, key)
    beta = scores.exp() / scores.exp().sum(2, keepdim=True)
    attended = torch.einsum("npr,nvr->nvp", beta, value).reshape(len(x), -1, *x.shape[2:])
    return x + v[f"{name}.scale"] * conv(attended, v, f"{name}.output")


def double(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def unpool(x: Tensor) -> Tensor:
    out = x.new_zeros(x.shape[0], x.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def count(v: Values, prefix: str) -> int:
    return 1 + max(int(name.split(".")[1]) for name in v if name.startswith(f"{prefix}."))


def start(z: Tensor, v: Values, size: int) -> Tensor:
    return F.linear(z, v["input.weight"], v["input.bias"]).reshape(len(z), -1, size, size)


def up_block(h: Tensor, v: Values, name: str, up: Callable[[Tensor], Tensor], norm: Callable[..., Tensor]) -> Tensor:
    r = conv(up(F.relu(norm(h, v, f"{name}.norm1"))), v, f"{name}.conv1")
    r = conv(F.relu(norm(r, v, f"{name}.norm2")), v, f"{name}.conv2")
    return r + conv(up(h), v, f"{name}.shortcut")


def down_block(h: Tensor, v: Values, name: str, *, halve: bool, first_relu: bool) -> Tensor:
    pool: Callable[[Tensor], Tensor] = (lambda x: F.avg_pool2d(x, 2)) if halve else (lambda x: x)
    r = conv(F.relu(h) if first_relu else h, v, f"{name}.conv1")
    r = pool(conv(F.relu(r), v, f"{name}.conv2"))
    return r + pool(conv(h, v, f"{name}.shortcut") if f"{name}.shortcut.weight" in v else h)


def logit(features: Tensor, v: Values, y: Tensor | None) -> Tensor:
    out = F.linear(features, v["logit.weight"], v["logit.bias"])[:, 0]
    if "conditional_head.embedding.weight" in v:
        assert y is not None
        out = out + (v["conditional_head.embedding.weight"][y] * features).sum(1)
    return out


# Generators: (z, weights, labels, image size, whether in training mode) -> images.


def resnet_generator(z: Tensor, v: Values, y: Tensor | None, size: int, training: bool) -> Tensor:
    def norm(x: Tensor, v: Values, name: str) -> Tensor:
        return batch_norm(x, v, name, y, training)

    h = start(z, v, size // 2 ** count(v, "blocks"))
    for i in range(count(v, "blocks")):
        h = attend(up_block(h, v, f"blocks.{i}", double, norm), v, f"attention.{i}")
    return torch.tanh(conv(F.relu(batch_norm(h, v, "last_norm", None, training)), v, "output"))


def resnet5_generator(z: Tensor, v: Values, y: Tensor | None, size: int, training: bool) -> Tensor:
    def norm(x: Tensor, v: Values, name: str) -> Tensor:
        return batch_norm(x, v, name, y, training)

    h = start(z, v, 4)
    for i in range(5):
        up: Callable[[Tensor], Tensor] = unpool if h.shape[2] < size else (lambda x: x)
        h = attend(up_block(h, v, f"blocks.{i}", up, norm), v, f"attention.{i}")
    return 2 * torch.sigmoid(conv(F.relu(norm(h, v, "last_norm")), v, "output")) - 1


def biggan_generator(z: Tensor, v: Values, y: Tensor | None, size: int, training: bool) -> Tensor:
    first, *chunks = z.tensor_split(count(v, "blocks") + 1, dim=1)
    h = start(first, v, 4)
    for i, chunk in enumerate(chunks):
        given = chunk if y is None else torch.cat([chunk, v["embedding.weight"][y]], dim=1)

        def norm(x: Tensor, v: Values, name: str, given: Tensor = given) -> Tensor:
            gain = 1 + given @ v[f"{name}.scale.weight"].T
            bias = given @ v[f"{name}.shift.weight"].T
            return standardize(x, v, name, training) * gain[:, :, None, None] + bias[:, :, None, None]

        h = attend(up_block(h, v, f"blocks.{i}", double, norm), v, f"attention.{i}")
    return torch.tanh(conv(F.relu(batch_norm(h, v, "last_norm", None, training)), v, "output"))


def sndcgan_generator(z: Tensor, v: Values, y: Tensor | None, size: int, training: bool) -> Tensor:
    h = F.relu(batch_norm(start(z, v, size // 8), v, "first_norm", y, training))
    for i in range(3):
        h = F.conv_transpose2d(h, v[f"blocks.{i}.conv.weight"], v[f"blocks.{i}.conv.bias"], stride=2, padding=1)
        h = F.relu(batch_norm(h, v, f"blocks.{i}.norm", y, training))
    return torch.tanh(conv(h, v, "output"))


def dcgan_generator(z: Tensor, v: Values, y: Tensor | None, size: int, training: bool) -> Tensor:
    h = F.relu(batch_norm(start(z, v, 4), v, "first_norm", y, training))
    names = [*(f"blocks.{i}" for i in range(count(v, "blocks"))), ""]
    for name in names:
        layer = f"{name}.conv" if name else "output"
        # A 5x5 kernel over an image with zeros between its pixels.
        weight = v[f"{layer}.weight"].flip(2, 3).transpose(0, 1)
        h = F.conv2d(unpool(h), weight, v[f"{layer}.bias"], padding=2)
        h = F.relu(batch_norm(h, v, f"{name}.norm", y, training)) if name else torch.tanh(h)
    return h


# Discriminators: (images, weights, labels, whether in training mode) -> logits, features.


def residual_discriminator(
    x: Tensor, v: Values, y: Tensor | None, halve: list[bool], *, first_relu: bool = False
) -> tuple[Tensor, Tensor]:
    h = x
    for i, is_halved in enumerate(halve):
        h = down_block(h, v, f"blocks.{i}", halve=is_halved, first_relu=first_relu or i > 0)
        h = attend(h, v, f"attention.{i}")
    features = F.relu(h).flatten(2).sum(2)
    return logit(features, v, y), features


def resnet_discriminator(x: Tensor, v: Values, y: Tensor | None, training: bool) -> tuple[Tensor, Tensor]:
    two_of_four = [True, True, False, False]
    halve = {16: two_of_four, 32: two_of_four, 48: [True, True, True, True, False], 64: [True] * 5}
    return residual_discriminator(x, v, y, halve[x.shape[2]])


def biggan_discriminator(x: Tensor, v: Values, y: Tensor | None, training: bool) -> tuple[Tensor, Tensor]:
    return residual_discriminator(x, v, y, [True] * (count(v, "blocks") - 1) + [False])


def resnet5_discriminator(x: Tensor, v: Values, y: Tensor | None, training: bool) -> tuple[Tensor, Tensor]:
    halve = [x.shape[2] >> i > 1 for i in range(6)]
    # Of what is left of 16 and 32 px, one pixel, the mean is the sum.
    return residual_discriminator((x + 1) / 2, v, y, halve, first_relu=True)


def convolutional(
    x: Tensor, v: Values, y: Tensor | None, strides: list[int], slope: float, training: bool
) -> tuple[Tensor, Tensor]:
    h = x
    for i, stride in enumerate(strides):
        h = conv(h, v, f"blocks.{i}.conv", stride=stride)
        if f"blocks.{i}.norm.normalize.weight" in v:
            h = batch_norm(h, v, f"blocks.{i}.norm", None, training)
        h = torch.where(h > 0, h, slope * h)
    return logit(h.flatten(1), v, y), h.flatten(1)


def sndcgan_discriminator(x: Tensor, v: Values, y: Tensor | None, training: bool) -> tuple[Tensor, Tensor]:
    return convolutional(x, v, y, [1, 2, 1, 2, 1, 2, 1], 0.1, training)


def dcgan_discriminator(x: Tensor, v: Values, y: Tensor | None, training: bool) -> tuple[Tensor, Tensor]:
    return convolutional(x, v, y, [2] * count(v, "blocks"), 0.2, training)


GENERATORS = [
    (resnet_generator, 16, {}),
    (resnet_generator, 32, {}),
    (resnet_generator, 48, {"attention_resolution": 12, "width": 2}),
    (resnet_generator, 64, {"width": 2}),
    (resnet5_generator, 16, {"attention_resolution": 8, "width": 2}),
    (resnet5_generator, 32, {"spectral_norm": True, "width": 2}),
    (biggan_generator, 32, {"latent_dim": 10, "embedding_dim": 5}),
    (biggan_generator, 64, {"latent_dim": 10, "embedding_dim": 5, "attention_resolution": 16, "width": 2}),
    (sndcgan_generator, 32, {}),
    (sndcgan_generator, 48, {"spectral_norm": True}),
    (dcgan_generator, 16, {}),
    (dcgan_generator, 64, {"width": 2}),
]
DISCRIMINATORS = [
    (resnet_discriminator, 16, {}),
    (resnet_discriminator, 32, {}),
    (resnet_discriminator, 48, {"attention_resolution": 12, "width": 2}),
    (resnet_discriminator, 64, {"width": 2}),
    (resnet5_discriminator, 16, {"attention_resolution": 8}),
    (resnet5_discriminator, 32, {}),
    (biggan_discriminator, 32, {}),
    (biggan_discriminator, 64, {"attention_resolution": 32, "width": 2}),
    (sndcgan_discriminator, 32, {}),
    (sndcgan_discriminator, 48, {"normalization": "batch", "spectral_norm": False}),
    (dcgan_discriminator, 16, {"normalization": "batch"}),
    (dcgan_discriminator, 64, {"normalization": "batch", "spectral_norm": True, "width": 2}),
]


def shaken(network: nn.Module) -> None:
    """Move every weight off its start, so that zeros and ones hide nothing."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    for _ in range(10):
        advance_spectral_norm(network)


def ids(case: Any) -> str | None:
    return f"{case.__name__}" if callable(case) else None


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize(("reference", "size", "arguments"), GENERATORS, ids=ids)
def test_a_generator_equals_its_reference(
    reference: Callable[..., Tensor], size: int, arguments: dict[str, Any], num_classes: int, make: Any
) -> None:
    network = make(reference.__name__, size, num_classes=num_classes, **arguments)
    shaken(network.double())
    z = torch.randn(6, network.latent_dim, generator=torch.Generator().manual_seed(0)).double()
    y = torch.tensor([0, 1, 2, 2, 1, 0]) if num_classes else None
    with torch.no_grad():
        for training in (True, False):  # the first pass gives running statistics to the second
            network.train(training)
            expected = reference(z, values(network), y, size, training)
            images = network(Latents(z, y))
            assert expected.std() > 0.01
            assert torch.allclose(images, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize(("reference", "size", "arguments"), DISCRIMINATORS, ids=ids)
def test_a_discriminator_equals_its_reference(
    reference: Callable[..., tuple[Tensor, Tensor]],
    size: int,
    arguments: dict[str, Any],
    num_classes: int,
    make: Any,
) -> None:
    network = make(reference.__name__, size, num_classes=num_classes, **{"normalization": "none", **arguments})
    shaken(network.double())
    x = torch.rand(6, 3, size, size, generator=torch.Generator().manual_seed(0)).double() * 2 - 1
    y = torch.tensor([0, 1, 2, 2, 1, 0]) if num_classes else None
    with torch.no_grad():
        for training in (True, False):
            network.train(training)
            expected_logits, expected_features = reference(x, values(network), y, training)
            output = network(x, y)
            assert torch.allclose(output.features_NF, expected_features, atol=TOLERANCE, rtol=0)
            assert torch.allclose(output.logits_N, expected_logits, atol=TOLERANCE, rtol=0)
            assert expected_logits.std() > 0


def test_the_references_see_what_the_labels_and_latents_do(make: Any) -> None:
    network = make("biggan_generator", 32, num_classes=3, latent_dim=10, embedding_dim=5).eval()
    z = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1])
    images = biggan_generator(z, values(network), labels, 32, True)
    other = z.clone()
    other[:, -1] += 1  # of the last chunk, which only the last block sees
    assert not torch.allclose(images, biggan_generator(other, values(network), labels, 32, True))
    assert not torch.allclose(images, biggan_generator(z, values(network), labels.flip(0), 32, True))

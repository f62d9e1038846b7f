"""Instance discrimination on hand-made embeddings; the copy of D and the queues over steps."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.layers.spectral_norm import advance_spectral_norm, normalized_weights
from ganzoo.pretext.base import TaskOutputs, ViewOutput
from ganzoo.pretext.contrastive import KeyQueue, contrastive, instance_logits
from ganzoo.testing.toys import ToyDiscriminator
from ganzoo.testing.trial import Trial


def make(**options: object) -> contrastive:
    discriminator = ToyDiscriminator()
    runtime_args = {"feature_dim": discriminator.feature_dim, "batch_size": 2, "layers": discriminator.layers}
    return contrastive(discriminator=discriminator, **runtime_args, **options)  # type: ignore[arg-type]


def trial(**options: object) -> Trial:
    part = registry.part("pretext.contrastive", num_keys=12, embedding_dim=4, **options)
    return Trial(part, batch_size=8)  # type: ignore[arg-type]


def task_of(trained: Trial) -> contrastive:
    assert isinstance(trained.task, contrastive)
    return trained.task


def test_logits_are_the_products_with_the_own_key_and_then_with_those_of_the_queue() -> None:
    queries, keys = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.6, 0.8], [0.8, -0.6]])
    queue = torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.6, 0.8]])
    expected = torch.tensor([[0.6, 0.0, -1.0, 0.6], [-0.6, 1.0, 0.0, 0.8]])
    torch.testing.assert_close(instance_logits(queries, keys, queue), expected)


def test_the_loss_is_the_cross_entropy_of_finding_the_own_key_at_the_temperature() -> None:
    task = make(num_keys=2, embedding_dim=8, temperature=0.5, alpha=0.3, beta=0.6, beta_fake=0.7)
    task.heads = nn.ModuleDict({"real": nn.Identity(), "fake": nn.Identity()})
    unit = torch.eye(8)
    for queue in task.queues.values():
        assert isinstance(queue, KeyQueue)
        queue.keys_QE = unit[[2, 3]]
    # Queries of length 2 along axes 0 and 1; own keys along 0 and along the first of the queue.
    seen = ViewOutput(
        ImageBatch(torch.zeros(2, 3, 16, 16)),
        DiscriminatorOutput(torch.zeros(2), 2 * unit[[0, 1]] + torch.tensor([[0.0], [1.0]]) * unit[2] * 2),
        unit[[0, 3]],
    )
    # Cosines: image 0 has 1 | 0 0; image 1 lies between axes 1 and 2: 0 | sqrt(1/2) 0.
    losses = [
        -math.log(math.exp(2) / (math.exp(2) + 2)),
        -math.log(1 / (1 + math.exp(math.sqrt(2)) + 1)),
    ]
    outputs = TaskOutputs(seen, seen, {"real": seen, "fake": seen})
    d, g = task.d_terms(outputs, step=0), task.g_terms(outputs, step=0)
    for term, weight in zip([*d.terms, *g.terms], [0.6, 0.7, 0.3], strict=True):
        assert float(term.value) == pytest.approx(sum(losses) / 2, rel=1e-5)
        assert term.weight == weight
    assert float(d.reports["accuracy_real"]) == 0.5
    assert task.chance["accuracy_real"] == pytest.approx(1 / 3)


def test_keys_are_embeddings_of_the_changed_images_by_the_copy() -> None:
    trained = trial(flip=False, max_shift=0.0)
    trained.train(range(2))
    task, real = task_of(trained), trained.real(2)
    view = trained.views("d")[0]["real"]
    expected = task.slow_heads.network["real"](task.slow_discriminator.network(trained.real(0).images_NCHW).features_NF)
    assert view.targets_N is not None
    torch.testing.assert_close(view.targets_N, functional.normalize(expected, dim=1))
    assert not view.targets_N.requires_grad
    assert len(real) == 8


def test_the_queue_is_a_ring_of_the_newest_keys() -> None:
    queue = KeyQueue(5, 1)
    for first in (0.0, 2.0, 4.0):
        queue.push(torch.tensor([[first], [first + 1]]))
    assert queue.keys_QE.flatten().tolist() == [5.0, 1.0, 2.0, 3.0, 4.0]
    assert int(queue.next_slot) == 1


def test_a_discriminator_step_pushes_its_keys_and_a_generator_step_nothing() -> None:
    trained = trial()
    task = task_of(trained)
    output = trained.d_step(0)
    outputs, rng = output.task_outputs["task"], torch.Generator()
    before = copy.deepcopy(task.state_dict())
    task.after_step(outputs, trained.gan.discriminator, role="g", step=0, rng=rng)
    assert all(torch.equal(value, before[name]) for name, value in task.state_dict().items())
    task.after_step(outputs, trained.gan.discriminator, role="d", step=0, rng=rng)
    for source in ("real", "fake"):
        queue = task.queues[source]
        assert isinstance(queue, KeyQueue)
        assert torch.equal(queue.keys_QE[:8], outputs.views[source].targets_N)  # type: ignore[arg-type]
        assert torch.equal(queue.keys_QE[8:], before[f"queues.{source}.keys_QE"][8:])


def test_the_copy_follows_the_weights_in_use_of_d_and_of_the_heads_once_per_discriminator_step() -> None:
    trained = trial(momentum=0.75)
    task, gan = task_of(trained), trained.gan
    expected = {
        "conv0": gan.discriminator.conv0.weight.detach().clone(),  # type: ignore[union-attr, operator]
        "head": task.heads["fake"][2].weight.detach().clone(),  # type: ignore[index]
    }
    for step in range(3):
        trained.train(range(step, step + 1))
        now = {"conv0": gan.discriminator.conv0.weight, "head": task.heads["fake"][2].weight}  # type: ignore[index, union-attr]
        expected = {name: 0.75 * kept + 0.25 * now[name].detach() for name, kept in expected.items()}  # type: ignore[union-attr, operator]
        torch.testing.assert_close(task.slow_discriminator.network.conv0.weight, expected["conv0"])  # type: ignore[union-attr]
        torch.testing.assert_close(task.slow_heads.network["fake"][2].weight, expected["head"])  # type: ignore[index]


def test_the_copy_is_not_trained_not_counted_and_has_no_spectral_norm_to_advance() -> None:
    trained = trial()
    task, gan = task_of(trained), trained.gan
    heads = {id(p) for p in task.heads.parameters()}
    assert {id(p) for p in task.parameters()} == heads
    assert {id(p) for p in gan.d_parameters()} == heads | {id(p) for p in gan.discriminator.parameters()}
    assert all(not name.layer.startswith("slow") for name in normalized_weights(task))
    before = copy.deepcopy(task.slow_discriminator.state_dict())
    advance_spectral_norm(gan.task_modules)
    trained.d_step(0)
    trained.g_step(0)
    assert all(torch.equal(value, before[name]) for name, value in task.slow_discriminator.state_dict().items())


def test_d_keeps_its_own_weights_and_spectral_norm_when_it_is_copied() -> None:
    discriminator = ToyDiscriminator()
    before = copy.deepcopy(discriminator.state_dict())
    contrastive(feature_dim=8, batch_size=2, layers=discriminator.layers, discriminator=discriminator)
    assert all(torch.equal(value, before[name]) for name, value in discriminator.state_dict().items())
    assert len(list(normalized_weights(discriminator))) == 3


def test_queries_are_seen_by_d_and_keys_are_not() -> None:
    trained = trial()
    assert trained.d_step(0).num_d_images == 4 * 8
    assert trained.g_step(0).num_d_images == 2 * 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": -1.0}, "must not be negative"),
        ({"temperature": 0.0}, "temperature"),
        ({"latent_noise": -0.1}, "latent_noise"),
        ({"momentum": 1.0}, "momentum"),
        ({"embedding_dim": 0}, "embedding_dim"),
        ({"num_keys": 1}, "cannot take in a batch of 2"),
        ({"max_shift": 0.5}, "max_shift"),
    ],
)
def test_settings_without_meaning_are_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make(**options)

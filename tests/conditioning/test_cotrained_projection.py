"""Labels for some images: which are known, the classifier and the projection by hand, and in a GAN of tiny networks."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.conditioning.cotrained_projection import LabellingHead, cotrained_projection
from ganzoo.conditioning.projection import projection
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan, build_objective
from ganzoo.gan.steps import d_step, g_step
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import PretextTask, TaskOutputs, ViewOutput
from ganzoo.randomness import Streams, initialization

SPEC = DataSpec((1, 16, 16), 3, {"train": 20})
LAYERS = LayerFactory(spectral_norm=False)


def parts(**options: float) -> tuple[LabellingHead, PretextTask]:
    """Return a head whose class logits are its three features, whose class k is embedded as 10 ** k; and the task."""
    conditioning = cotrained_projection(num_classes=3, **options)
    head = conditioning.discriminator_head(3, LAYERS)
    assert isinstance(head, LabellingHead)
    head.classifier.weight.data, head.classifier.bias.data = torch.eye(3), torch.zeros(3)
    head.embedding.weight.data = torch.tensor([[1.0], [10.0], [100.0]]).expand(3, 3).clone()
    return head, conditioning.auxiliary_task(feature_dim=3, layers=LAYERS)


def seen(features: list[list[float]], labels: list[int]) -> ViewOutput:
    batch = ImageBatch(torch.zeros(len(labels), 1, 2, 2), torch.tensor(labels))
    return ViewOutput(batch, DiscriminatorOutput(torch.zeros(len(labels)), torch.tensor(features, requires_grad=True)))


def test_an_image_is_projected_on_its_label_or_on_the_class_it_is_taken_for() -> None:
    head, _ = parts()
    features = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, 3.0, 1.0]], requires_grad=True)
    logits = head(features, torch.tensor([0, -1, -1]))
    # The sum of the features times 1; times 100, for the third class is the likeliest; times 10.
    assert logits.tolist() == [6.0, 600.0, 40.0]
    logits.sum().backward()
    # No gradient comes by way of the choice.
    assert features.grad.tolist() == [[1.0] * 3, [100.0] * 3, [10.0] * 3]
    assert head.classifier.weight.grad is None


# Cross-entropies: of [0, 0, 0] log 3; of [log 2, 0, 0], whose probabilities are 1/2, 1/4, 1/4, log 2 and log 4.
REAL = [[0.0, 0.0, 0.0], [math.log(2), 0.0, 0.0], [math.log(2), 0.0, 0.0], [9.0, 0.0, 0.0]]
FAKE = seen([[math.log(2), 0.0, 0.0], [math.log(2), 0.0, 0.0]], [1, 0])


def test_the_classifier_learns_from_labelled_real_images_alone_by_hand() -> None:
    head, task = parts(class_weight=0.5)
    real = seen(REAL, [2, 0, 1, -1])
    result = task.d_terms(TaskOutputs(FAKE, real, {}), step=0)
    (term,) = result.terms
    assert (term.name, term.weight) == ("loss_real", 0.5)
    assert term.value.item() == pytest.approx((math.log(3) + math.log(2) + math.log(4)) / 3)
    accuracies = {name: value.item() for name, value in result.reports.items()}
    assert accuracies == {"accuracy_real": pytest.approx(1 / 3), "accuracy_fake": 0.5}
    term.value.backward()
    # D's features are trained with it, those of unlabelled and of generated images are not.
    assert real.output.features_NF.grad[:3].abs().sum(1).gt(0).all()
    assert real.output.features_NF.grad[3].eq(0).all()
    assert FAKE.output.features_NF.grad is None
    assert head.classifier.weight.grad is not None
    assert not list(task.g_terms(TaskOutputs(FAKE, None, {}), step=0).terms)


def test_a_batch_without_labels_adds_nothing_and_reports_no_accuracy() -> None:
    _, task = parts()
    result = task.d_terms(TaskOutputs(FAKE, seen(REAL, [-1] * 4), {}), step=0)
    assert result.terms[0].value.item() == 0.0
    assert result.reports.keys() == {"accuracy_fake"}


def test_the_known_labels_are_those_of_the_subset_that_keeps_the_same_share() -> None:
    whole = registry.part("data.synthetic", num_images=60, num_classes=3)
    images = whole().load("train")
    labels = cotrained_projection(num_classes=3, label_fraction=0.2, label_seed=5).training_labels(
        images.labels_N, split="train"
    )
    known = labels >= 0
    kept = registry.part("data.subset", dataset=whole, label_fraction=0.2, seed=5)().load("train")
    assert torch.equal(images.images_NCHW[known], kept.images_NCHW)
    assert torch.equal(labels[known], kept.labels_N)
    assert labels[~known].eq(-1).all()
    assert 0 < int(known.sum()) < len(images)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label_fraction": 0.0}, "label_fraction must lie above 0"),
        ({"label_fraction": 1.1}, "label_fraction must lie above 0 and at most at 1"),
        ({"class_weight": 0.0}, "the classifier would never learn"),
        ({"class_weight": -1.0}, "class_weight must not be negative"),
        ({"label_seed": -1}, "label_seed must be at least 0"),
    ],
)
def test_options_without_meaning_are_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cotrained_projection(num_classes=3, **options)


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    overrides = ["experiment.conditioning = @conditioning.cotrained_projection"]
    return replace(load(str(tiny_recipe), overrides=overrides).experiment, pretext=())


def test_it_starts_from_the_weights_of_the_projection_discriminator(experiment: Experiment) -> None:
    ours = build_gan(experiment, SPEC)
    theirs = build_gan(replace(experiment, conditioning=registry.part("conditioning.projection")), SPEC)
    weights, others = ours.discriminator.state_dict(), theirs.discriminator.state_dict()
    assert {name for name in weights if name not in others} == {
        name for name in weights if name.startswith("conditional_head.classifier.")
    }
    assert all(torch.equal(weights[name], others[name]) for name in others)


def test_with_all_labels_its_head_is_the_projection() -> None:
    features, labels = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 1, 2])
    with initialization(0, "discriminator"):
        ours = cotrained_projection(num_classes=3, label_fraction=1.0).discriminator_head(5, LAYERS)
    with initialization(0, "discriminator"):
        theirs = projection(num_classes=3).discriminator_head(5, LAYERS)
    assert torch.equal(ours(features, labels), theirs(features, labels))


def test_its_classifier_belongs_to_d_and_its_term_enters_d_alone(experiment: Experiment) -> None:
    gan = build_gan(experiment, SPEC)
    objective = build_objective(experiment, gan.discriminator)
    rng = torch.Generator().manual_seed(0)
    real = ImageBatch(
        torch.randn(8, 1, 16, 16, generator=rng).clamp(-1, 1), torch.tensor([0, 1, 2, -1, -1, -1, -1, -1])
    )
    latents = Latents(torch.randn(8, 8, generator=rng), torch.randint(3, (8,), generator=rng))
    d = d_step(gan, objective, real, latents, step=0, rng=Streams(0))
    torch.testing.assert_close(d.loss.detach(), d.parts["d/adversarial"] + d.parts["d/cotrained_projection/loss_real"])
    d.loss.backward()  # type: ignore[no-untyped-call]
    assert not list(gan.task_modules.parameters())
    head = gan.discriminator.conditional_head
    assert isinstance(head, LabellingHead)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.classifier.parameters())
    g = g_step(gan, objective, real, latents, step=0, rng=Streams(0))
    torch.testing.assert_close(g.loss.detach(), g.parts["g/adversarial"])


def test_without_an_adversarial_loss_it_is_refused(experiment: Experiment) -> None:
    with pytest.raises(UserError, match="cotrained_projection means nothing without an adversarial loss"):
        build_gan(replace(experiment, loss=None), SPEC)


def test_beside_a_task_that_replaces_the_loss_the_remedy_is_accepted(tiny_recipe: Path) -> None:
    both = [
        "experiment.conditioning = @conditioning.cotrained_projection",
        "experiment.pretext = [@pretext.label_augmentation]",
    ]
    with pytest.raises(UserError, match=r"as pretext\.label_augmentation asks; set experiment\.loss = "):
        build_gan(load(str(tiny_recipe), overrides=[*both, "experiment.loss = None"]).experiment, SPEC)
    remedied = [*both, "experiment.loss = @losses.hinge", 'pretext.label_augmentation.adversarial = "add"']
    assert build_gan(load(str(tiny_recipe), overrides=remedied).experiment, SPEC).tasks

"""The two steps against hand computation, on networks small enough to see through."""

import copy
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput, Generator
from ganzoo.augment.flip import flip
from ganzoo.batch import ImageBatch, Latents
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import Objective, StepOutput, d_step, g_step
from ganzoo.layers.factory import LayerFactory
from ganzoo.layers.spectral_norm import advance_spectral_norm
from ganzoo.losses.hinge import hinge
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.wgangp import wgangp
from ganzoo.pretext.base import LossTerm, PretextTask, Role, StepBatch, TaskOutputs, TaskResult
from ganzoo.pretext.rotation import rotation
from ganzoo.randomness import Streams, initialization
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator

SHAPE, LATENT_DIM, BATCH = (3, 16, 16), 6, 8


class Recording(ToyDiscriminator):
    """A toy that remembers what it was shown."""

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        self.__dict__.setdefault("calls", []).append((images_NCHW.detach(), labels_N))
        return super().forward(images_NCHW, labels_N, taps=taps)

    @property
    def shown(self) -> list[tuple[Tensor, Tensor | None]]:
        calls: list[tuple[Tensor, Tensor | None]] = self.__dict__.get("calls", [])
        return calls


def make_rotation(discriminator: Discriminator, cls: type[rotation] = rotation, **options: object) -> rotation:
    runtime_args = {
        "feature_dim": discriminator.feature_dim,
        "image_shape": (3, 16, 16),
        "batch_size": BATCH,
        "num_steps": 10,
    }
    with initialization(0, "rotation"):
        return cls(layers=discriminator.layers, **runtime_args, **options)  # type: ignore[arg-type]


def make_gan(task: str | PretextTask | None = "rotation", *, num_classes: int = 0, batch_norm: bool = False) -> Gan:
    with initialization(0, "networks"):
        generator = ToyGenerator(num_classes=num_classes)
        discriminator = Recording(num_classes=num_classes, batch_norm=batch_norm, spectral_norm=not batch_norm)
    tasks: dict[str, PretextTask] = {}
    if task is not None:
        tasks["task"] = make_rotation(discriminator) if isinstance(task, str) else task
    return Gan(generator, discriminator, tasks, ema_decay=None, num_classes=num_classes)


def labels(num_classes: int, seed: int) -> Tensor | None:
    return torch.randint(num_classes, (BATCH,), generator=rng(seed)) if num_classes else None


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def real_batch(num_classes: int = 0) -> ImageBatch:
    return ImageBatch(torch.rand(BATCH, *SHAPE, generator=rng(1)) * 2 - 1, labels(num_classes, 11))


def latents(num_classes: int = 0) -> Latents:
    return Latents(torch.randn(BATCH, LATENT_DIM, generator=rng(2)), labels(num_classes, 22))


HINGE = Objective(hinge(), {}, None)


def step(
    role: str, gan: Gan, objective: Objective = HINGE, *, at: int = 0, streams: Streams | None = None
) -> StepOutput:
    function = d_step if role == "d" else g_step
    streams = Streams(0) if streams is None else streams
    return function(gan, objective, real_batch(gan.num_classes), latents(gan.num_classes), step=at, rng=streams)


def backward(output: StepOutput) -> None:
    output.loss.backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("num_classes", [0, 3])
def test_a_d_step_gives_gradients_to_d_and_its_heads_and_none_to_g(num_classes: int) -> None:
    gan = make_gan(num_classes=num_classes)
    backward(step("d", gan, Objective(hinge(), {"penalty": wgangp()}, flip())))
    assert all(p.grad is None for p in gan.generator.parameters())
    assert all(p.grad is not None for p in gan.d_parameters())


@pytest.mark.parametrize("num_classes", [0, 3])
def test_a_g_step_gives_gradients_to_g_and_none_to_d_or_its_heads(num_classes: int) -> None:
    gan = make_gan(num_classes=num_classes)
    backward(step("g", gan))
    assert all(p.grad is not None for p in gan.generator.parameters())
    assert all(p.grad is None for p in gan.d_parameters())
    assert all(p.requires_grad for p in gan.d_parameters())


class LinearD(Discriminator):
    """D(x) = w times the mean of x."""

    uses_batch_statistics, feature_dim = False, 1

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w, self.layers, self.tap_shapes = nn.Parameter(torch.tensor(w)), LayerFactory(spectral_norm=False), {}

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        mean_N = images_NCHW.mean((1, 2, 3))
        return DiscriminatorOutput(self.w * mean_N, mean_N[:, None])


class ConstantG(Generator):
    """G(z) = a in every pixel."""

    uses_batch_statistics, latent_dim, image_shape = False, LATENT_DIM, SHAPE

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a, self.layers = nn.Parameter(torch.tensor(a)), LayerFactory(spectral_norm=False)

    def forward(self, inputs: Latents) -> Tensor:
        return self.a.expand(len(inputs.latents_NL), *SHAPE)


def test_hinge_losses_and_gradients_on_a_linear_d_are_those_by_hand() -> None:
    gan = Gan(ConstantG(0.5), LinearD(0.8), {}, ema_decay=None, num_classes=0)
    real = ImageBatch(torch.tensor([1.0, -0.5]).view(2, 1, 1, 1).expand(2, *SHAPE))
    z = Latents(torch.zeros(2, LATENT_DIM))
    # Logits: real 0.8 and -0.4, fake 0.4 twice. Behind the margin: 0.2 and 1.4; 1.4 twice.
    output = d_step(gan, HINGE, real, z, step=0, rng=Streams(0))
    torch.testing.assert_close(output.loss.detach(), torch.tensor(0.8 + 1.4))
    backward(output)
    assert isinstance(gan.discriminator, LinearD)
    torch.testing.assert_close(gan.discriminator.w.grad, torch.tensor(-(1.0 - 0.5) / 2 + 0.5))
    assert output.real_logits_N is not None
    torch.testing.assert_close(output.real_logits_N, torch.tensor([0.8, -0.4]))
    torch.testing.assert_close(output.parts["d/logits_fake"], torch.tensor(0.4))

    output = g_step(gan, HINGE, real, z, step=0, rng=Streams(0))
    torch.testing.assert_close(output.loss.detach(), torch.tensor(-0.4))
    backward(output)
    assert isinstance(gan.generator, ConstantG)
    torch.testing.assert_close(gan.generator.a.grad, torch.tensor(-0.8))


def test_spectral_norm_advances_once_per_d_step_and_nowhere_else() -> None:
    gan = make_gan()
    expected = copy.deepcopy(gan.discriminator)
    before = state(gan.discriminator)
    for _ in range(3):
        step("g", gan)
        gan.discriminator(real_batch().images_NCHW)
        gan.discriminator.eval()(real_batch().images_NCHW)
        gan.discriminator.train()
    assert_same(state(gan.discriminator), before)
    for _ in range(2):
        step("d", gan, Objective(hinge(), {"penalty": wgangp()}, None))
        advance_spectral_norm(expected)
        assert_same(state(gan.discriminator), state(expected))


def test_the_heads_advance_with_d() -> None:
    gan = make_gan()
    expected = copy.deepcopy(gan.task_modules)
    step("d", gan)
    step("g", gan)
    advance_spectral_norm(expected)
    assert_same(state(gan.task_modules), state(expected))


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def assert_same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


class Black(rotation):
    """Rotation whose turned versions are black."""

    def transform(self, x_NCHW: Tensor) -> list[Tensor]:
        return [x_NCHW, *[torch.full_like(x_NCHW, -1.0)] * 3]


@pytest.mark.parametrize("role", ["d", "g"])
def test_only_upright_images_enter_the_adversarial_term(role: str) -> None:
    gan, black = make_gan(), make_gan(None)
    black.task_modules["task"] = make_rotation(black.discriminator, Black)
    first, second = step(role, gan), step(role, black)
    assert not torch.equal(first.parts[f"{role}/task/loss"], second.parts[f"{role}/task/loss"])
    assert torch.equal(first.parts[f"{role}/adversarial"], second.parts[f"{role}/adversarial"])


def test_rotated_fakes_of_a_conditional_gan_carry_the_labels_of_the_fakes() -> None:
    gan = make_gan(num_classes=3)
    assert isinstance(gan.discriminator, Recording)
    step("d", gan)
    step("g", gan)
    (_, d_labels), (_, g_labels) = gan.discriminator.shown
    real_N, fake_N = labels(3, 11), labels(3, 22)
    assert d_labels is not None
    assert g_labels is not None
    assert real_N is not None
    assert fake_N is not None
    assert real_N[-2:].tolist() != fake_N[-2:].tolist()
    assert d_labels.tolist() == real_N.tolist() + fake_N.tolist() + real_N[-2:].tolist() * 3
    assert g_labels.tolist() == fake_N.tolist() + fake_N[-2:].tolist() * 3


def test_d_sees_everything_in_one_pass() -> None:
    gan = make_gan()
    assert isinstance(gan.discriminator, Recording)
    step("d", gan)
    assert [len(images) for images, _ in gan.discriminator.shown] == [BATCH + BATCH + 6]


@pytest.mark.parametrize("role", ["d", "g"])
def test_a_d_that_normalises_over_the_batch_sees_each_group_alone_so_that_a_task_changes_nothing(role: str) -> None:
    with_task, without = make_gan(batch_norm=True), make_gan(None, batch_norm=True)
    assert isinstance(with_task.discriminator, Recording)
    first, second = step(role, with_task), step(role, without)
    groups = [BATCH, BATCH, 6] if role == "d" else [BATCH, 6]
    assert [len(images) for images, _ in with_task.discriminator.shown] == groups
    assert torch.equal(first.parts[f"{role}/adversarial"], second.parts[f"{role}/adversarial"])


def test_the_loss_is_the_weighted_sum_of_its_named_parts() -> None:
    gan = make_gan(None)
    gan.task_modules["task"] = make_rotation(gan.discriminator, alpha=0.3, beta=0.7, alpha_schedule="linear")
    d = step("d", gan, Objective(hinge(), {"penalty": wgangp()}, None))
    torch.testing.assert_close(
        d.loss.detach(), d.parts["d/adversarial"] + d.parts["d/penalty"] + 0.7 * d.parts["d/task/loss"]
    )
    assert torch.equal(d.parts["d/loss"], d.loss.detach())
    g = step("g", gan, at=3)  # of 10 steps: two thirds of alpha are left
    torch.testing.assert_close(g.loss.detach(), g.parts["g/adversarial"] + 0.2 * g.parts["g/task/loss"])
    assert set(g.parts) == {"g/adversarial", "g/task/loss", "g/task/accuracy_fake", "g/loss"}


def test_a_term_of_weight_0_is_reported_and_moves_nothing() -> None:
    gan = make_gan(None)
    gan.task_modules["task"] = make_rotation(gan.discriminator, alpha=0.0)
    output = step("g", gan)
    assert torch.equal(output.loss.detach(), output.parts["g/adversarial"])
    assert float(output.parts["g/task/loss"]) > 0


def test_a_step_with_nothing_to_minimise_moves_nothing() -> None:
    gan = make_gan(None)
    gan.task_modules["task"] = make_rotation(gan.discriminator, alpha=0.2, alpha_schedule="linear")
    output = step("g", gan, Objective(None, {}, None), at=9)  # the last step: alpha is 0
    backward(output)
    assert float(output.loss.detach()) == 0.0
    assert all(p.grad is not None and not p.grad.any() for p in gan.generator.parameters())


def test_images_seen_by_d_are_counted() -> None:
    # D: 8 real, 8 generated, 3 turns of 2 images, 8 points of the penalty. G: 8 generated and 6 turned.
    gan = make_gan()
    assert step("d", gan, Objective(hinge(), {"penalty": wgangp()}, None)).num_d_images == 8 + 8 + 6 + 8
    assert step("g", gan).num_d_images == 8 + 6
    assert step("d", make_gan(None)).num_d_images == 16


class Pair(PretextTask):
    """Shows G perturbed latents, and D the real images in the G step too."""

    uses_real_in_g_step = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[StepBatch] = []

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> dict[str, Latents]:
        noise_NL = torch.randn(fake.latents_NL.shape, generator=rng)
        return {"near": replace(fake, latents_NL=fake.latents_NL + 0.1 * noise_NL)}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> dict[str, object]:  # type: ignore[override]
        self.seen.append(batch)
        return {}

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        assert outputs.real is not None
        difference = outputs.fake.output.features_NF.mean() - outputs.real.output.features_NF.mean()
        return TaskResult([LossTerm("match", difference.square())])


def test_extra_latents_leave_the_running_statistics_of_g_alone() -> None:
    with_task, without = make_gan(Pair()), make_gan(None)
    for role in ("d", "g"):
        step(role, with_task)
        step(role, without)
    assert_same(state(with_task.generator), state(without.generator))
    assert isinstance(with_task.generator, ToyGenerator)
    assert int(with_task.generator.normalize.num_batches_tracked) == 2


def test_extra_images_reach_the_task_with_the_latents_they_were_made_from() -> None:
    task = Pair()
    gan = make_gan(task)
    step("d", gan)
    step("g", gan)
    for batch in task.seen:
        assert batch.extra["near"].latents_NL is not None
        assert batch.fake.latents_NL is not None
        assert 0 < (batch.extra["near"].latents_NL - batch.fake.latents_NL).abs().max() < 1
    assert task.seen[1].fake.images_NCHW.requires_grad
    assert not task.seen[0].fake.images_NCHW.requires_grad


def test_a_task_changes_neither_the_augmented_real_images_nor_any_other_stream() -> None:
    shown: list[list[Tensor]] = []
    for task in (None, "rotation", Pair()):
        gan, streams = make_gan(task), Streams(0)
        assert isinstance(gan.discriminator, Recording)
        for _ in range(2):
            step("d", gan, Objective(hinge(), {"penalty": wgangp()}, flip()), streams=streams)
            step("g", gan, Objective(hinge(), {}, flip()), streams=streams)
        # The first call of each D step begins with the real and the generated images; the penalty's points follow.
        calls = [images for images, _ in gan.discriminator.shown]
        shown.append([calls[0][:16], calls[1], calls[3][:16], calls[4]])
    for other in shown[1:]:
        for first, second in zip(shown[0], other, strict=True):
            torch.testing.assert_close(first, second)


def test_adding_a_task_leaves_the_initial_weights_of_both_networks_alone() -> None:
    first, second = make_gan(None), make_gan("rotation")
    assert_same(state(first.generator), state(second.generator))
    assert_same(state(first.discriminator), state(second.discriminator))


class Drawing(Penalty):
    """A penalty of D, and of G if asked, that keeps what it drew."""

    def __init__(self, *, of_g: bool = False) -> None:
        super().__init__()
        self.of_g, self.drawn, self.autocast = of_g, [0.0], [False]

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        self.drawn.append(torch.rand(1, generator=rng).item())
        self.autocast.append(torch.is_autocast_enabled("cpu"))
        return torch.stack([p.square().sum() for p in discriminator.parameters()]).sum()

    def g_penalty(self, generator: Generator) -> Tensor | None:
        self.autocast.append(torch.is_autocast_enabled("cpu"))
        return torch.stack([p.square().sum() for p in generator.parameters()]).sum() if self.of_g else None

    def num_d_images(self, batch_size: int) -> int:
        return 3


def test_each_penalty_of_a_list_is_a_term_of_its_own_name_with_a_stream_of_its_own() -> None:
    alone, beside, streams = Drawing(), Drawing(), Streams(0)
    step("d", make_gan(None), Objective(hinge(), {"penalty/b": alone}, None))
    both = {"penalty/a": Drawing(), "penalty/b": beside}
    d = step("d", make_gan(None), Objective(hinge(), both, None), streams=streams)
    assert beside.drawn == alone.drawn
    assert both["penalty/a"].drawn != beside.drawn
    assert torch.isclose(d.parts["d/loss"], d.parts["d/adversarial"] + 2 * d.parts["d/penalty/a"])
    assert torch.equal(d.parts["d/penalty/a"], d.parts["d/penalty/b"])
    assert d.num_d_images == 8 + 8 + 2 * 3


def test_a_penalty_of_the_generator_enters_its_loss_and_reaches_it_alone() -> None:
    gan = make_gan(None)
    g = step("g", gan, Objective(hinge(), {"penalty/a": Drawing(), "penalty/b": Drawing(of_g=True)}, None))
    expected = sum(float(p.detach().square().sum()) for p in gan.generator.parameters())
    assert g.parts["g/penalty/b"].item() == pytest.approx(expected)
    assert "g/penalty/a" not in g.parts
    assert torch.isclose(g.parts["g/loss"], g.parts["g/adversarial"] + g.parts["g/penalty/b"])
    backward(g)
    assert all(p.grad is not None for p in gan.generator.parameters())
    assert all(p.grad is None for p in gan.d_parameters())


def test_penalties_run_in_float32_under_autocast() -> None:
    penalty = Drawing(of_g=True)
    with torch.autocast("cpu", torch.bfloat16):
        for role in ("d", "g"):
            output = step(role, make_gan(None), Objective(hinge(), {"penalty": penalty}, None))
            assert output.parts[f"{role}/penalty"].dtype == torch.float32
    assert not any(penalty.autocast)


def test_a_d_step_gives_the_images_that_d_judged_without_gradients() -> None:
    output = step("d", make_gan(None))
    assert output.real is not None
    assert torch.equal(output.real.images_NCHW, real_batch().images_NCHW)
    assert output.fake.images_NCHW.shape == real_batch().images_NCHW.shape
    assert not step("g", make_gan(None)).fake.images_NCHW.requires_grad

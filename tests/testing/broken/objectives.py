"""Losses, penalties, augmentations, optimizers, tasks and remedies that each break one rule; `said` is what is said."""

import random
from typing import ClassVar

import torch
from torch.optim.lr_scheduler import LambdaLR

from ganzoo.augment.base import Augment
from ganzoo.batch import ImageBatch
from ganzoo.losses.base import AdversarialLoss
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.penalties.base import Penalty
from ganzoo.pretext.base import LossTerm, PretextTask, TaskResult, View
from ganzoo.registry import register
from ganzoo.remedies.base import Examples, Remedy


def broken(kind):
    """Register a class with the docstring that every component has."""

    def decorate(component):
        component.__doc__ = "Break one rule.\n\nSource: this test."
        return register(kind)(component)

    return decorate


class good_loss(AdversarialLoss):
    def d_loss(self, real_logits_N, fake_logits_N):
        return fake_logits_N.mean() - real_logits_N.mean()

    def g_loss(self, fake_logits_N, real_logits_N):
        return -fake_logits_N.mean()


@register("losses")
class NotInSnakeCase(good_loss):
    """Break one rule.

    Source: this test.
    """

    said: ClassVar = "class name: 'NotInSnakeCase' is not in snake_case; a component's class bears its gin name"


@register("losses")
class in_fragments(good_loss):
    """A loss

    Source: this test.
    """

    said: ClassVar = "docstring: its first line is no sentence; begin with one sentence on what it does"


@register("losses")
class over_two_lines(good_loss):
    """Let D do one thing,
    and G another.

    Source: this test.
    """

    said: ClassVar = "docstring: its first line is no sentence; begin with one sentence on what it does"


@broken("losses")
class annotated_with_nothing(good_loss):
    said: ClassVar = "every annotation must be resolvable at run time"

    def __init__(self, *, scale: "NoSuchType" = 1.0):  # noqa: F821
        pass


@broken("losses")
class with_a_counter(good_loss):
    said: ClassVar = "d_loss: its value changes from call to call; compute it from the logits alone"
    num_calls = 0

    def d_loss(self, real_logits_N, fake_logits_N):
        self.num_calls += 1
        return super().d_loss(real_logits_N, fake_logits_N) * self.num_calls


@broken("losses")
class of_small_differences(good_loss):
    said: ClassVar = "for the same in bfloat16; compute it in float32"

    def d_loss(self, real_logits_N, fake_logits_N):
        offset = (torch.ones_like(real_logits_N) + 1e-3).log().mean() * 1000
        return super().d_loss(real_logits_N, fake_logits_N) + offset


@broken("losses")
class of_less_than_the_least(good_loss):
    said: ClassVar = "least_d_loss: it is 0 and d_loss takes the value -20000; set it to the least value there is"
    least_d_loss = 0.0


class good_penalty(Penalty):
    def forward(self, discriminator, real, fake, *, rng):
        return discriminator(real.images_NCHW, real.labels_N).logits_N.square().mean()


@broken("penalties")
class called_directly(Penalty):
    said: ClassVar = "class: it overrides __call__, so that a module's hooks are passed by; define forward"

    def __call__(self, discriminator, real, fake, *, rng):
        return discriminator(real.images_NCHW, real.labels_N).logits_N.square().mean()


@broken("penalties")
class of_chance(good_penalty):
    said: ClassVar = "it does not repeat under an equal generator; let all randomness come from `rng`"

    def forward(self, discriminator, real, fake, *, rng):
        return super().forward(discriminator, real, fake, rng=rng) * random.random()


@broken("penalties")
class constant(good_penalty):
    said: ClassVar = "the discriminator gets no gradient from it; differentiate with create_graph=True"

    def forward(self, discriminator, real, fake, *, rng):
        return super().forward(discriminator, real, fake, rng=rng) * 0 + 1


@broken("penalties")
class clipping(good_penalty):
    said: ClassVar = "it changes the discriminator's weights or buffers; only compute; the step updates D"

    def forward(self, discriminator, real, fake, *, rng):
        value = super().forward(discriminator, real, fake, rng=rng)
        for parameter in discriminator.parameters():
            parameter.data = parameter.data.clamp(-0.01, 0.01)
        return value


@broken("penalties")
class dimming(good_penalty):
    said: ClassVar = "it changes the images it is given; work on a new tensor"

    def forward(self, discriminator, real, fake, *, rng):
        real.images_NCHW.mul_(0.5)
        return super().forward(discriminator, real, fake, rng=rng)


@broken("augment")
class in_place(Augment):
    said: ClassVar = "forward: it changes its input; work on a new tensor"

    def forward(self, images_NCHW, *, rng):
        return images_NCHW.mul_(0.5)


@broken("augment")
class cropped(Augment):
    said: ClassVar = "(8, 1, 16, 16) torch.float32 became (8, 1, 16, 15) torch.float32; keep shape and dtype"

    def forward(self, images_NCHW, *, rng):
        return images_NCHW[..., 1:]


@broken("augment")
class first_eight(Augment):
    said: ClassVar = "(64, 3, 16, 16) torch.float32 became (8, 3, 16, 16) torch.float32; keep shape and dtype"

    def forward(self, images_NCHW, *, rng):
        return images_NCHW[:8]


@broken("augment")
class adapting_in_secret(Augment):
    said: ClassVar = "state: loaded from its state_dict, it goes on differently; keep what changes in buffers"

    def __init__(self):
        super().__init__()
        self.strength = 0.0

    def after_d_step(self, real_logits_N):
        self.strength += 0.5

    def forward(self, images_NCHW, *, rng):
        return images_NCHW * (1 - self.strength / 10)


class good_optimizer(OptimizerRecipe):
    def optimizer(self, parameters):
        return torch.optim.SGD(parameters, lr=0.1)

    def scheduler(self, optimizer):
        return LambdaLR(optimizer, lambda step: 1.0)


@broken("optim")
class at_rest(good_optimizer):
    said: ClassVar = "they must be finite, not negative, and positive at first"

    def scheduler(self, optimizer):
        return LambdaLR(optimizer, lambda step: 0.0)


@broken("optim")
class with_its_own_count(good_optimizer):
    said: ClassVar = "resumed from the state_dicts of optimizer and scheduler, it goes on differently"

    def scheduler(self, optimizer):
        calls = []

        def factor(step):
            calls.append(step)
            return 1 / len(calls)

        return LambdaLR(optimizer, factor)


@broken("optim")
class of_the_first_parameter(good_optimizer):
    said: ClassVar = "two steps leave a parameter as it was; give all of `parameters` to the optimizer"

    def optimizer(self, parameters):
        return torch.optim.SGD([next(iter(parameters))], lr=0.1)


class good_task(PretextTask):
    chance: ClassVar = {"accuracy": 0.5}

    def __init__(self, *, feature_dim: int, layers: object):
        super().__init__()
        self.head = layers.linear(feature_dim, 1)

    def views(self, batch, *, role, rng):
        images = batch.real if role == "d" else batch.fake
        return {"x": View(ImageBatch(images.images_NCHW.flip(3), images.labels_N), "real" if role == "d" else "fake")}

    def result(self, outputs):
        return TaskResult([LossTerm("loss", self.value(outputs))])

    def value(self, outputs):
        return self.head(outputs.views["x"].output.features_NF).square().mean()

    def d_terms(self, outputs, *, step):
        return self.result(outputs)

    def g_terms(self, outputs, *, step):
        return self.result(outputs)


@broken("pretext")
class saying_otherwise(good_task):
    said: ClassVar = "uses_real_in_g_step: the class says False and a task of default options True; set"

    def __init__(self, *, feature_dim: int, layers: object):
        super().__init__(feature_dim=feature_dim, layers=layers)
        self.uses_real_in_g_step = True


@broken("pretext")
class of_an_unknown_tap(good_task):
    said: ClassVar = "taps: D has no tap ['no_such_tap']; choose among the names of `tap_shapes`"
    taps = ("no_such_tap",)


@broken("pretext")
class of_two_equal_names(good_task):
    said: ClassVar = "terms share a name: ['loss', 'loss']; name each differently"

    def result(self, outputs):
        return TaskResult([LossTerm("loss", self.value(outputs)), LossTerm("loss", self.value(outputs))])


@broken("pretext")
class of_a_number_for_each_image(good_task):
    said: ClassVar = "term 'loss': its shape is (8,); return a scalar"

    def value(self, outputs):
        return self.head(outputs.views["x"].output.features_NF).square().squeeze(1)


@broken("pretext")
class of_infinite_weight(good_task):
    said: ClassVar = "the weight of 'loss' is inf; let it be finite"

    def result(self, outputs):
        return TaskResult([LossTerm("loss", self.value(outputs), float("inf"))])


@broken("pretext")
class reporting_with_gradient(good_task):
    said: ClassVar = "'size' is no detached scalar; call .detach() and take a mean"

    def result(self, outputs):
        features_NF = outputs.views["x"].output.features_NF
        return TaskResult([LossTerm("loss", self.value(outputs))], {"size": features_NF.mean()})


@broken("pretext")
class more_than_right(good_task):
    said: ClassVar = "'accuracy' is 2.0; an accuracy lies in [0, 1]"

    def result(self, outputs):
        return TaskResult([LossTerm("loss", self.value(outputs))], {"accuracy": torch.tensor(2.0)})


@broken("pretext")
class that_never_repeats(good_task):
    said: ClassVar = "run twice from the same seed, its values differ; draw from `rng` alone"

    def value(self, outputs):
        return super().value(outputs) * random.random()


@broken("pretext")
class of_random_views(good_task):
    said: ClassVar = "'x' does not repeat under an equal generator; draw from `rng` alone"

    def views(self, batch, *, role, rng):
        view = super().views(batch, role=role, rng=rng)["x"]
        return {"x": View(view.batch.with_images(view.batch.images_NCHW * random.random()), view.source)}


@broken("pretext")
class for_no_batch(good_task):
    said: ClassVar = "constructor: it refuses every batch size of"

    def __init__(self, *, feature_dim: int, layers: object):
        raise ValueError("no batch will do")


@broken("pretext")
class that_turns_the_batch(good_task):
    said: ClassVar = "adversarial term in the step of D: it is another one than without the task"

    def views(self, batch, *, role, rng):
        if role == "d":
            batch.real.images_NCHW.data.neg_()
        return super().views(batch, role=role, rng=rng)


@broken("pretext")
class that_turns_the_fakes(good_task):
    said: ClassVar = "adversarial term in the step of G: it is another one than without the task"

    def views(self, batch, *, role, rng):
        if role == "g":
            batch.fake.images_NCHW.data.neg_()
        return super().views(batch, role=role, rng=rng)


@broken("pretext")
class that_trains_its_head_in_gs_step(good_task):
    said: ClassVar = "the discriminator or a head got a gradient; let the step decide whose turn it is"

    def g_terms(self, outputs, *, step):
        self.head.requires_grad_(True)
        return self.result(outputs)


@broken("pretext")
class that_updates_d(good_task):
    said: ClassVar = "after_step: it changes the generator or the discriminator; change the task's own heads"

    def after_step(self, outputs, discriminator, **runtime_args):
        next(discriminator.parameters()).data.mul_(0.9)


@broken("pretext")
class of_small_numbers(good_task):
    said: ClassVar = "under bfloat16: d/task/loss is not finite; compute it in float32"

    def value(self, outputs):
        logits_N1 = self.head(outputs.views["x"].output.features_NF)
        return (logits_N1 / (torch.ones_like(logits_N1) + 1e-3).log()).square().mean()


@broken("remedies")
class saying_too_little(Remedy):
    said: ClassVar = "return one bool for each image"

    def mix(self, fresh, *, rng):
        return Examples(ImageBatch(torch.cat([fresh.batch.images_NCHW, fresh.batch.images_NCHW])), fresh.is_positive_N)


@broken("remedies")
class mixing_by_chance(Remedy):
    said: ClassVar = "mix: it does not repeat under an equal generator; let all randomness come from `rng`"

    def mix(self, fresh, *, rng):
        images_NCHW = fresh.batch.images_NCHW
        return Examples(
            ImageBatch(torch.cat([images_NCHW, images_NCHW * random.random()])),
            torch.cat([fresh.is_positive_N, fresh.is_positive_N]),
        )


@broken("remedies")
class of_a_vector(Remedy):
    said: ClassVar = "term 'weights': its shape is (8,); return a scalar"

    def terms(self, network):
        # Where a step sums it up, it is a scalar; what is checked is the term itself.
        return (
            [LossTerm("weights", network.linear.weight.squeeze(0))]
            if not torch.is_grad_enabled()
            else self.once(network)
        )

    def once(self, network):
        self.num_calls = getattr(self, "num_calls", 0) + 1
        value = network.linear.weight.squeeze(0)
        return [LossTerm("weights", value if self.num_calls > 6 else value.sum())]


@broken("remedies")
class of_two_terms_alike(Remedy):
    said: ClassVar = "terms: names are not unique: ['x', 'x']; give each its own"

    def terms(self, network):
        return [LossTerm("x", network.linear.weight.sum()), LossTerm("x", network.linear.weight.sum())]

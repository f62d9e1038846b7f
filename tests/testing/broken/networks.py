"""Networks, layers and conditionings that each break one rule; `said` is what the conformance check must say of it."""

import random
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from ganzoo.architectures.base import DiscriminatorOutput, Network
from ganzoo.batch import UNKNOWN_LABEL, Latents
from ganzoo.component import Part
from ganzoo.conditioning.base import Conditioning
from ganzoo.conditioning.cotrained_projection import LabellingHead
from ganzoo.conditioning.projection import ProjectionHead
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.pretext.base import LossTerm, PretextTask, TaskResult
from ganzoo.registry import register
from ganzoo.testing.toys import ToyConditioning, ToyDiscriminator, ToyGenerator


def broken(kind):
    """Register a class with the docstring that every component has."""

    def decorate(component):
        component.__doc__ = "Break one rule.\n\nSource: this test."
        return register(kind)(component)

    return decorate


class good_generator(ToyGenerator):
    """A sound generator."""

    resolutions = (16,)


class good_discriminator(ToyDiscriminator):
    """A sound discriminator."""

    resolutions = (16,)


@broken("architectures")
class for_no_resolution(ToyGenerator):
    said: ClassVar = "resolutions: it names none; list the heights that it can be built for"


@broken("architectures")
class of_no_role(Network):
    said: ClassVar = "class: it is neither Generator nor Discriminator; derive from one of them"
    resolutions = (16,)
    uses_batch_statistics = False

    def __init__(self):
        super().__init__()
        self.layers = LayerFactory(spectral_norm=False)


@broken("architectures")
class drawing_latents_elsewhere(good_generator):
    said: ClassVar = "sample_latents: it does not repeat under an equal generator; draw from `rng`"

    def sample_latents(self, num, *, rng):
        return torch.full((num, self.latent_dim), random.random())


@broken("architectures")
class of_wide_latents(good_generator):
    said: ClassVar = "sample_latents: they are (8, 7), not (8, 6); return (num, L)"

    def sample_latents(self, num, *, rng):
        return torch.randn(num, self.latent_dim + 1, generator=rng)


@broken("architectures")
class too_bright(good_generator):
    said: ClassVar = "images leave [-1, 1]; end with tanh"

    def forward(self, inputs):
        return super().forward(inputs) * 3


@broken("architectures")
class cropping(good_generator):
    said: ClassVar = "its images are (8, 3, 16, 15), not (8, 3, 16, 16)"

    def forward(self, inputs):
        return super().forward(inputs)[..., 1:]


@broken("architectures")
class deaf_to_latents(good_generator):
    said: ClassVar = "different latents give the same image; let the image depend on the latents"

    def forward(self, inputs):
        return super().forward(Latents(inputs.latents_NL * 0, inputs.labels_N))


@broken("architectures")
class of_eight_images(good_generator):
    said: ClassVar = "batch of 64: it gives 8 images; return one for each"

    def forward(self, inputs):
        return super().forward(inputs)[:8]


@broken("architectures")
class seeded_by_nothing(good_generator):
    said: ClassVar = "built twice from the same seed, its weights differ; initialise from torch's own generator alone"

    def __init__(self, *, image_shape, latent_dim):
        super().__init__(image_shape=image_shape, latent_dim=latent_dim)
        self.register_buffer("noise", torch.tensor(random.random()))


@broken("architectures")
class that_ignores_labels(good_discriminator):
    said: ClassVar = "conditioning: with labels it has no more parameters than without, so that it ignores them"

    def __init__(self, *, image_shape, conditioning):
        super().__init__(image_shape=image_shape)


@broken("architectures")
class without_layers(good_discriminator):
    said: ClassVar = "it has no attribute 'layers'; set self.layers, a LayerFactory, in the constructor"

    def __init__(self, *, image_shape):
        super().__init__(image_shape=image_shape)
        del self.layers


@broken("architectures")
class of_other_width(good_discriminator):
    said: ClassVar = "features_NF is (8, 8), not (8, 9); let feature_dim and tap_shapes say what forward returns"

    def __init__(self, *, image_shape):
        super().__init__(image_shape=image_shape)
        self.feature_dim = 9


@broken("architectures")
class without_taps(good_discriminator):
    said: ClassVar = "of the taps ['block0', 'block1'] it gives []; give each"

    def forward(self, images_NCHW, labels_N=None, *, taps=()):
        return super().forward(images_NCHW, labels_N)


@broken("architectures")
class with_every_tap(good_discriminator):
    said: ClassVar = "it gives taps that nobody asked for; keep only those named by `taps`"

    def forward(self, images_NCHW, labels_N=None, *, taps=()):
        return super().forward(images_NCHW, labels_N, taps=tuple(self.tap_shapes))


@broken("architectures")
class wrong_about_batches(good_discriminator):
    said: ClassVar = "uses_batch_statistics is True, but an image's output does not depend on its batch"

    def __init__(self, *, image_shape):
        super().__init__(image_shape=image_shape)
        self.uses_batch_statistics = True


@broken("architectures")
class loading_nothing(good_discriminator):
    said: ClassVar = "state: loaded from its state_dict, it goes on differently; keep what changes in parameters"

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return None


@broken("architectures")
class of_eight_logits(good_discriminator):
    said: ClassVar = "batch of 64: its logits are (8,), not (64,); return one for each image"

    def forward(self, images_NCHW, labels_N=None, *, taps=()):
        output = super().forward(images_NCHW, labels_N, taps=taps)
        return DiscriminatorOutput(output.logits_N[:8], output.features_NF, output.taps)


@broken("architectures")
class blind_to_the_image(good_discriminator):
    said: ClassVar = "no gradient of the logit reaches the image, so that a generator learns nothing from it"

    def forward(self, images_NCHW, labels_N=None, *, taps=()):
        return super().forward(images_NCHW.detach(), labels_N, taps=taps)


@broken("architectures")
class dividing_by_little(good_discriminator):
    said: ClassVar = "under bfloat16: the logit is not finite; compute it in float32"

    def forward(self, images_NCHW, labels_N=None, *, taps=()):
        output = super().forward(images_NCHW, labels_N, taps=taps)
        # In bfloat16 1.001 is 1, and its logarithm 0.
        little_N = (torch.ones_like(output.logits_N) + 1e-3).log()
        return DiscriminatorOutput(output.logits_N / little_N, output.features_NF, output.taps)


@broken("normalizations")
class shrinking(Normalization):
    said: ClassVar = "its output is (8, 32, 4, 5), not (8, 32, 5, 5); keep the shape"

    def forward(self, x_NCHW, condition):
        return x_NCHW[:, :, 1:]


@broken("normalizations")
class of_eight_rows(Normalization):
    said: ClassVar = "its output is (8, 32, 5, 5), not (64, 32, 5, 5); keep the shape at every batch size"

    def forward(self, x_NCHW, condition):
        return x_NCHW[:8]


@broken("normalizations")
class forgetful(Normalization):
    said: ClassVar = "state: loaded from its state_dict, it goes on differently; keep what changes in buffers"

    def __init__(self):
        super().__init__()
        self.scale = random.random()

    def forward(self, x_NCHW, condition):
        return x_NCHW * self.scale


@broken("normalizations")
class counting_in_eval(Normalization):
    said: ClassVar = "state: eval() changes it; update in train() only"

    def __init__(self):
        super().__init__()
        self.register_buffer("num_calls", torch.zeros(()))

    def forward(self, x_NCHW, condition):
        self.num_calls += 1
        return x_NCHW


@broken("normalizations")
class conditional_in_name_only(Normalization):
    said: ClassVar = "conditional_form: it takes no labels; return a layer whose constructor names num_classes"

    @classmethod
    def conditional_form(cls):
        return cls

    def forward(self, x_NCHW, condition):
        return x_NCHW


@broken("normalizations")
class with_a_number_for_a_form(Normalization):
    said: ClassVar = "is no normalization; return a class that derives from Normalization, or None"

    @classmethod
    def unconditional_form(cls):
        return int

    def forward(self, x_NCHW, condition):
        return x_NCHW


@broken("normalizations")
class rounding_away(Normalization):
    said: ClassVar = "under bfloat16: the layer's output is far from that in float32; compute it in float32"

    def forward(self, x_NCHW, condition):
        return x_NCHW + (torch.ones_like(x_NCHW) + 1e-3).log() * 1000


@broken("conditioning")
class keeping_no_number(ToyConditioning):
    said: ClassVar = "constructor: num_classes is not kept; call super().__init__(num_classes=num_classes)"

    def __init__(self, *, num_classes):
        pass


@broken("conditioning")
class refusing_all(ToyConditioning):
    said: ClassVar = "generator_normalization: it refuses a layer that has a conditional form"

    def generator_normalization(self, normalization):
        raise ValueError("no")


@broken("conditioning")
class with_a_shrinking_layer(ToyConditioning):
    said: ClassVar = "generator_normalization: its layer returns (8, 4, 4, 5), not (8, 4, 5, 5); keep the shape"

    def generator_normalization(self, normalization):
        return Part("normalizations.shrinking", shrinking)


class ColumnHead(nn.Module):
    def __init__(self, feature_dim, layers):
        super().__init__()
        self.linear = layers.linear(feature_dim, 1)

    def forward(self, features_NF, labels_N):
        return self.linear(features_NF)


@broken("conditioning")
class with_a_column(Conditioning):
    said: ClassVar = (
        "discriminator_head, batch of 64: its output is (64, 1), not (64,); return one number for each image"
    )

    def generator_normalization(self, normalization):
        return ToyConditioning(num_classes=self.num_classes).generator_normalization(normalization)

    def discriminator_head(self, feature_dim, layers):
        return ColumnHead(feature_dim, layers)


def every_second(labels_N):
    """Hide every second label, as a sound conditioning may."""
    known_N = labels_N.clone()
    known_N[1::2] = UNKNOWN_LABEL
    return known_N


@broken("conditioning")
class relabelling_the_data(ToyConditioning):
    said: ClassVar = "training_labels: it changes the labels of the data; return a tensor of its own"

    def training_labels(self, labels_N, *, split):
        labels_N[1::2] = 0
        return labels_N


@broken("conditioning")
class with_labels_of_float(ToyConditioning):
    said: ClassVar = "training_labels: it returns torch.float32 of shape (60,); return one int64 label for each image"

    def training_labels(self, labels_N, *, split):
        return labels_N.float()


@broken("conditioning")
class with_fewer_labels(ToyConditioning):
    said: ClassVar = "training_labels: it returns torch.int64 of shape (30,); return one int64 label for each image"

    def training_labels(self, labels_N, *, split):
        return labels_N[::2]


@broken("conditioning")
class with_other_labels(ToyConditioning):
    said: ClassVar = "training_labels: an image has another label than the data's; hide a label as UNKNOWN_LABEL"

    def training_labels(self, labels_N, *, split):
        return labels_N.flip(0)


@broken("conditioning")
class hiding_by_chance(ToyConditioning):
    said: ClassVar = "training_labels: it knows other labels at a second call, so that a resumed run would differ"

    def training_labels(self, labels_N, *, split):
        is_hidden_N = torch.tensor([random.random() < 0.5 for _ in labels_N])
        return torch.where(is_hidden_N, UNKNOWN_LABEL, labels_N)


class HeadOfKnownLabels(ProjectionHead):
    """A head that has an answer for every label, and divides by the number of known ones."""

    def forward(self, features_NF, labels_N):
        known_N = labels_N != UNKNOWN_LABEL
        return super().forward(features_NF, labels_N * known_N) * known_N / known_N.sum()


@broken("conditioning")
class dividing_by_no_label(ToyConditioning):
    said: ClassVar = "build_discriminator: the logits of unlabelled images is not finite"

    def training_labels(self, labels_N, *, split):
        return every_second(labels_N)

    def discriminator_head(self, feature_dim, layers):
        return HeadOfKnownLabels(self.num_classes, feature_dim, layers)


@broken("conditioning")
class that_cannot_take_what_it_hides(ToyConditioning):
    said: ClassVar = "raises IndexError: index out of range in self"

    def training_labels(self, labels_N, *, split):
        return every_second(labels_N)


class Classification(PretextTask):
    """A task of the labels that reports an accuracy without saying what guessing reaches."""

    def __init__(self, feature_dim, num_classes, layers):
        super().__init__()
        self.head = layers.linear(feature_dim, num_classes)

    def d_terms(self, outputs, *, step):
        logits_NK, labels_N = self.head(outputs.real.output.features_NF), outputs.real.batch.labels_N
        accuracy = (logits_NK.detach().argmax(1) == labels_N).float().mean()
        return TaskResult(
            [LossTerm("loss", functional.cross_entropy(logits_NK, labels_N))], {"accuracy_real": accuracy}
        )

    def g_terms(self, outputs, *, step):
        return TaskResult()


@broken("conditioning")
class with_a_task_of_no_chance(ToyConditioning):
    said: ClassVar = "chance: it does not say what guessing reaches in 'accuracy_real'"

    def auxiliary_task(self, *, feature_dim, layers):
        return Classification(feature_dim, self.num_classes, layers)


@broken("conditioning")
class with_a_task_that_knows_all_labels(ToyConditioning):
    said: ClassVar = "raises IndexError: Target -1 is out of bounds"

    def training_labels(self, labels_N, *, split):
        return every_second(labels_N)

    def discriminator_head(self, feature_dim, layers):
        return LabellingHead(self.num_classes, feature_dim, layers)

    def auxiliary_task(self, *, feature_dim, layers):
        return Classification(feature_dim, self.num_classes, layers)

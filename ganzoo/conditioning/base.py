"""The contract of conditioning on class labels. N: batch, or images; F: feature width; K: classes."""

from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, Generator, ImageShape, Network
from ganzoo.component import Component, Part, name_of, parameters_of
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.pretext.base import PretextTask


class Conditioning(Component):
    """How class labels enter the generator and the discriminator: the one binding that makes a GAN conditional.

    It builds both networks. By default it passes itself to them, and they call `generator_normalization` and
    `discriminator_head`. If labels need a loss of their own, `auxiliary_task` returns it as a task. One object serves
    one GAN: it builds the generator, then the discriminator, then the task, and may keep what they share.

    Args:
        num_classes: K of the data set, a runtime argument.
    """

    kind = "conditioning"
    runtime_args = frozenset({"num_classes"})

    def __init__(self, *, num_classes: int) -> None:
        self.num_classes = num_classes

    def training_labels(self, labels_N: Tensor, *, split: str) -> Tensor:
        """Return the labels that training may use, int64 (N,): by default all of them.

        A hidden label is `ganzoo.batch.UNKNOWN_LABEL` (-1). Everything in a training step sees these labels of real
        images: the discriminator and its copies, the auxiliary task, pretext tasks, penalties. Metrics see the true
        labels.

        Args:
            labels_N: the true labels of all images of a split.
            split: the split's name.
        """
        return labels_N

    def build_generator(self, part: Part[Generator], *, image_shape: ImageShape, latent_dim: int) -> Generator:
        """Return the generator, which takes labels.

        Raises:
            ValueError: it cannot.
        """
        self.require_support(part)
        return part(image_shape=image_shape, latent_dim=latent_dim, conditioning=self)

    def build_discriminator(
        self, part: Part[Discriminator], *, image_shape: ImageShape, latent_dim: int
    ) -> Discriminator:
        """Return the discriminator. It is always given labels, even if it does not use them.

        Raises:
            ValueError: it cannot use them and should.
        """
        self.require_support(part)
        return part(image_shape=image_shape, latent_dim=latent_dim, conditioning=self)

    def require_support(self, part: Part[Network]) -> None:
        """Refuse a network that takes no conditioning and would ignore the labels.

        Raises:
            ValueError: it does not name `conditioning` in its constructor.
        """
        if "conditioning" not in parameters_of(part.component):
            raise ValueError(
                f"{part.name} would ignore {name_of(type(self))}; choose an architecture that takes conditioning, "
                "or set experiment.conditioning = None"
            )

    def generator_normalization(self, normalization: Part[Normalization]) -> Part[Normalization]:
        """Return the form of the generator's normalization that takes labels: `batch` becomes `conditional_batch`.

        Raises:
            ValueError: there is none.
        """
        form = normalization.component.conditional_form()
        if form is None:
            raise ValueError(
                f"{name_of(type(self))} gives the generator its class labels by the normalization, and "
                f"{normalization.name} has no form that takes them; use @normalizations.batch, "
                "@normalizations.instance or @normalizations.self_modulated_batch"
            )
        return normalization.with_component(form)

    def generator_embedding(self, embedding_dim: int, layers: LayerFactory) -> nn.Module:
        """Return a module labels (N,) -> (N, E) for a generator whose layers share ONE embedding of the label (BigGAN).

        Such a generator calls it instead of `generator_normalization`. The table has no spectral norm.

        Args:
            embedding_dim: E.
            layers: the generator's factory, for its initialisation.
        """
        tables = LayerFactory(spectral_norm=False, initializer=layers.initializer)
        return tables.embedding(self.num_classes, embedding_dim)

    def discriminator_head(self, feature_dim: int, layers: LayerFactory) -> nn.Module:
        """Return a module (features (N, F), labels (N,)) -> (N,) that is added to the adversarial logit."""
        raise NotImplementedError

    def auxiliary_task(self, *, feature_dim: int, layers: LayerFactory) -> PretextTask | None:
        """Return a task that trains on the labels, besides the pretext tasks, or None.

        Args:
            feature_dim: F of the discriminator.
            layers: the discriminator's factory, for heads.
        """
        return None

"""The auxiliary classifier GAN. N: batch; F: feature width; K: classes."""

from torch import Tensor
from torch.nn import functional

from ganzoo.architectures.base import Discriminator, ImageShape
from ganzoo.component import DeclaredArguments, Part
from ganzoo.conditioning.base import Conditioning
from ganzoo.errors import ParameterError, check_not_negative
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import LossTerm, PretextTask, TaskOutputs, TaskResult, ViewOutput
from ganzoo.registry import register


@register("conditioning")
class acgan(Conditioning):
    """Let D classify images besides judging them, reward G for fakes of the class asked for, and give G the labels.

    A linear head on D's features classifies the upright images, real and generated; D's adversarial logit sees no
    labels. They enter G by the conditional form of its normalization.

    Source: Odena et al., "Conditional Image Synthesis with Auxiliary Classifier GANs", arXiv:1610.09585, equations 2
    and 3: both networks raise the log-likelihood of the class, of real and of generated images, each with weight 1.
    Departures: the weights are options; labels enter G by its normalization, as in `conditioning.projection`, not
    beside its latents.

    >>> task = acgan(num_classes=4).auxiliary_task(feature_dim=8, layers=LayerFactory(spectral_norm=False))
    >>> task.chance["accuracy_real"]
    0.25

    Args:
        d_real_weight: of D's cross-entropy on real images.
        d_fake_weight: of D's cross-entropy on generated images; 0 keeps D from learning what G means by a class.
        g_weight: of G's cross-entropy on its images.
    """

    def __init__(
        self, *, d_real_weight: float = 1.0, d_fake_weight: float = 1.0, g_weight: float = 1.0, num_classes: int
    ) -> None:
        super().__init__(num_classes=num_classes)
        weights = {"d_real_weight": d_real_weight, "d_fake_weight": d_fake_weight, "g_weight": g_weight}
        check_not_negative(**weights)
        if d_real_weight == 0:
            raise ParameterError("d_real_weight", "must be greater than 0: D cannot learn the classes from fakes alone")
        self.weights = weights

    def build_discriminator(
        self, part: Part[Discriminator], *, image_shape: ImageShape, latent_dim: int
    ) -> Discriminator:
        """Return the discriminator as it is without labels; those are the task's."""
        return part(image_shape=image_shape, latent_dim=latent_dim, conditioning=None)

    def auxiliary_task(self, *, feature_dim: int, layers: LayerFactory) -> PretextTask:
        """Return the classification."""
        return LabelPrediction(feature_dim=feature_dim, num_classes=self.num_classes, layers=layers, **self.weights)


class LabelPrediction(DeclaredArguments, PretextTask):
    """Recognise the class of the upright images.

    Args:
        d_real_weight: of D's cross-entropy on real images.
        d_fake_weight: of D's cross-entropy on generated images.
        g_weight: of G's cross-entropy on its images.
        feature_dim: F.
        num_classes: K.
        layers: the discriminator's factory.
    """

    d_real_weight: float
    d_fake_weight: float
    g_weight: float
    feature_dim: int
    num_classes: int
    layers: LayerFactory

    def __post_init__(self) -> None:
        super().__init__()
        self.head = self.layers.linear(self.feature_dim, self.num_classes)
        self.chance = dict.fromkeys(("accuracy_real", "accuracy_fake"), 1 / self.num_classes)

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropies of real and of generated images."""
        assert outputs.real is not None
        (real, accuracy_real), (fake, accuracy_fake) = self._classify(outputs.real), self._classify(outputs.fake)
        return TaskResult(
            [LossTerm("loss_real", real, self.d_real_weight), LossTerm("loss_fake", fake, self.d_fake_weight)],
            {"accuracy_real": accuracy_real, "accuracy_fake": accuracy_fake},
        )

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the cross-entropy of the generated images: their labels are those that G was asked for."""
        fake, accuracy_fake = self._classify(outputs.fake)
        return TaskResult([LossTerm("loss_fake", fake, self.g_weight)], {"accuracy_fake": accuracy_fake})

    def _classify(self, images: ViewOutput) -> tuple[Tensor, Tensor]:
        """Return cross-entropy and accuracy."""
        labels_N = images.batch.labels_N
        assert labels_N is not None, "a conditional GAN was given no labels"
        logits_NK = self.head(images.output.features_NF).float()
        accuracy = (logits_NK.detach().argmax(1) == labels_N).float().mean()
        return functional.cross_entropy(logits_NK, labels_N), accuracy

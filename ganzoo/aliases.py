"""Common names of components that have another name here: for suggestions, never accepted in a recipe."""

ALIASES: dict[str, str] = {
    "fid": "metrics.frechet_distance with features.inception",
    "ifid": "metrics.intra_class_frechet_distance with features.inception",
    "kid": "metrics.kernel_distance with features.inception",
    "is": "metrics.inception_score",
    "prdc": "metrics.precision_recall and metrics.density_coverage",
    "precision": "metrics.precision_recall",
    "recall": "metrics.precision_recall",
    "density": "metrics.density_coverage",
    "coverage": "metrics.density_coverage",
    "cas": "metrics.classification_accuracy",
    "ssgan": "pretext.rotation, as in the recipe ssgan_resnet",
    "s3gan": "conditioning.cotrained_projection, as in the recipe s3gan_co_resnet",
    "s2gan": "conditioning.cotrained_projection",
    "ssganla": "pretext.label_augmentation",
    "ssganms": "pretext.rotation_minimax",
    "infomaxgan": "pretext.infomax",
    "gradientpenalty": "penalties.wgangp",
    "gp": "penalties.wgangp",
    "wgan": "losses.wasserstein",
    "lsgan": "losses.least_squares",
    "ragan": "losses.relativistic_average",
    "vanilla": "losses.non_saturating",
    "bce": "losses.non_saturating",
    "cifar": "data.cifar10",
}
"""The last part of a common name, in small letters without underscores -> what to look for here."""


def known_as(name: str) -> str:
    """Return what a common name such as `metrics.fid` means here; an empty string for any other name."""
    return ALIASES.get(name.rpartition(".")[2].lower().replace("_", ""), "")

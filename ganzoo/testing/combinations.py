"""Which parts go together. They are built to find out: every refusal comes from the parts, none is listed here.

An axis is a field of the experiment that one part fills: `loss`, `penalty`, ... ; `architecture` stands for generator
and discriminator of one family, `g_normalization` and `d_normalization` for what normalises each.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

from ganzoo import registry
from ganzoo.architectures.base import Network
from ganzoo.component import Component, Part, options_of
from ganzoo.config.experiment import Experiment
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan, build_objective
from ganzoo.normalizations.base import Normalization

Combination = Mapping[str, str | None]
"""The name of a component for each axis, without its kind; None for no part."""

KINDS = {
    "loss": "losses",
    "penalty": "penalties",
    "g_normalization": "normalizations",
    "d_normalization": "normalizations",
    "conditioning": "conditioning",
    "pretext": "pretext",
    "augment": "augment",
}
AXES = ("architecture", *KINDS)
GENERATOR, DISCRIMINATOR = "_generator", "_discriminator"
ALWAYS = ("architecture", "g_normalization", "d_normalization")  # axes that cannot be empty
# What an axis may be where a pair of others leaves it open; one that the pair can live with is enough.
USUAL: Mapping[str, tuple[str | None, ...]] = {
    "architecture": ("resnet",),
    "loss": ("hinge", None),
    "penalty": (None,),
    "g_normalization": ("batch",),
    "d_normalization": ("none",),
    "conditioning": (None, "projection"),
    "pretext": (None, "rotation", "infomax"),  # the last one does without the loss, and minds no turns
    "augment": (None,),
}
BATCH_SIZE, LATENT_DIM, NUM_CLASSES = 8, 8, 3
# Arguments that keep networks small, and the others in step with them, by their names.
SMALL: Mapping[str, object] = {"width": 4, "num_groups": 1, "consolidate_every": 1, "num_keys": 16}


@dataclass(frozen=True)
class Choice:
    """One part of one axis: `Choice("penalty", "wgangp")`."""

    axis: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.axis} {self.name or 'none'}"

    def is_named_in(self, sentence: str) -> bool:
        """Return whether a sentence says the full name of the part, or the field that is left empty."""
        if self.name is None:
            full_name = f"experiment.{self.axis}"
        elif self.axis in KINDS:
            full_name = f"{KINDS[self.axis]}.{self.name}"
        else:
            full_name = f"architectures.{self.name}({GENERATOR}|{DISCRIMINATOR})"
        return re.search(rf"\b{full_name}\b", sentence) is not None


def names(kind: str) -> tuple[str, ...]:
    """Return the components of a kind that belong to ganzoo, without the kind."""
    known = registry.index().items()
    own = [name for name, listing in known if name.startswith(f"{kind}.") and listing.origin == "ganzoo"]
    return tuple(name.removeprefix(f"{kind}.") for name in own)


def options() -> dict[str, tuple[str | None, ...]]:
    """Return what there is for each axis, no part first where there may be none."""
    networks = names("architectures")
    families = [n.removesuffix(GENERATOR) for n in networks if n.endswith(GENERATOR)]
    found: dict[str, tuple[str | None, ...]] = {
        "architecture": tuple(f for f in families if f"{f}{DISCRIMINATOR}" in networks)
    }
    found |= {axis: (*(() if axis in ALWAYS else (None,)), *names(kind)) for axis, kind in KINDS.items()}
    # What takes the generator's input stands in no discriminator, whatever is beside it.
    found["d_normalization"] = tuple(n for n in names("normalizations") if not _normalization(n).needs_condition)
    return found


def _normalization(name: str) -> type[Normalization]:
    component = registry.get(f"normalizations.{name}")
    assert issubclass(component, Normalization)
    return component


def resolution(family: str) -> int:
    """Return the smallest height, in pixels, for which both networks of a family can be built."""
    sizes = []
    for ending in (GENERATOR, DISCRIMINATOR):
        component = registry.get(f"architectures.{family}{ending}")
        assert issubclass(component, Network)
        sizes.append(set(component.resolutions))
    return min(sizes[0] & sizes[1])


def experiment(combination: Combination, *, size: int | None = None, num_steps: int = 2) -> Experiment:
    """Return a small experiment of these parts at their default settings, kept small, on synthetic labelled images.

    Args:
        combination: a name for every axis.
        size: height in pixels; None for the smallest that the architecture can do.
        num_steps: generator updates.
    """
    family = combination["architecture"]
    assert family is not None
    pretext = combination["pretext"]
    parts: dict[str, object] = {name: registry.part("optim.adam") for name in ("g_optimizer", "d_optimizer")}
    parts |= {axis: _part(axis, combination[axis]) for axis in ("loss", "penalty", "conditioning", "augment")}
    return Experiment(
        dataset=registry.part("data.synthetic", size=size or resolution(family), num_classes=NUM_CLASSES),  # type: ignore[arg-type]
        generator=_network(f"{family}{GENERATOR}", "g_normalization", combination),  # type: ignore[arg-type]
        discriminator=_network(f"{family}{DISCRIMINATOR}", "d_normalization", combination),  # type: ignore[arg-type]
        pretext=(_small(f"pretext.{pretext}"),) if pretext else (),  # type: ignore[arg-type]
        **parts,  # type: ignore[arg-type]
        num_steps=num_steps,
        batch_size=BATCH_SIZE,
        latent_dim=LATENT_DIM,
        metrics=(),
    )


def _part(axis: str, name: str | None) -> Part[Component] | None:
    return None if name is None else _small(f"{KINDS[axis]}.{name}")


def _small(name: str, **arguments: object) -> Part[Component]:
    """Return a part that is kept small, otherwise at its defaults, with those of the arguments that it takes."""
    known = options_of(registry.get(name))
    return registry.part(name, **{key: value for key, value in {**SMALL, **arguments}.items() if key in known})


def _network(name: str, axis: str, combination: Combination) -> Part[Component]:
    """Return a network with its normalization, if that can be chosen.

    Raises:
        UserError: it cannot, and another than the usual one is asked for.
    """
    full_name, normalization = f"architectures.{name}", combination[axis]
    if "normalization" not in options_of(registry.get(full_name)) and normalization not in USUAL[axis]:
        raise UserError(f"{full_name} has a normalization of its own and takes no other")
    return _small(full_name, normalization=_small(f"normalizations.{normalization}"))


def refusal(combination: Combination, *, size: int | None = None) -> str | None:
    """Return the sentence with which a combination is refused before its first step, or None.

    Args:
        combination: a name for every axis.
        size: height in pixels; None for the smallest that the architecture can do.
    """
    try:
        tried = experiment(combination, size=size)
        gan = build_gan(tried, tried.dataset().spec())
        build_objective(tried, gan.discriminator)
    except UserError as error:
        return str(error)
    return None


@cache
def pair_refusal(first: Choice, second: Choice) -> str | None:
    """Return the sentence with which two parts are refused whatever usual parts stand beside them, or None."""
    given = {first.axis: first.name, second.axis: second.name}
    sentences: list[str] = []
    for others in product(*(USUAL[axis] if axis not in given else (given[axis],) for axis in AXES)):
        sentence = refusal(dict(zip(AXES, others, strict=True)))
        if sentence is None:
            return None
        sentences.append(sentence)
    # The usual parts are refused for reasons of their own; what names both parts is said of the pair.
    of_pair = [text for text in sentences if first.is_named_in(text) and second.is_named_in(text)]
    return of_pair[0] if of_pair else " / ".join(dict.fromkeys(sentences))


def pairs() -> Iterator[tuple[Choice, Choice]]:
    """Yield every pair of parts of two axes."""
    there = options()
    for i, axis in enumerate(AXES):
        for other in AXES[i + 1 :]:
            for name, other_name in product(there[axis], there[other]):
                yield Choice(axis, name), Choice(other, other_name)

"""One entry for the conformance checks of every kind."""

import inspect
from collections.abc import Callable, Mapping
from typing import cast

import torch

from ganzoo import registry
from ganzoo.component import Component, Part, options_of
from ganzoo.testing import conditioning, layers, measures, networks, objectives, optimizers, penalties, remedies, tasks
from ganzoo.testing.declaration import check_declaration
from ganzoo.testing.findings import Findings

Check = Callable[[Part[Component], Findings], None]

CHECKS: Mapping[str, Check] = {
    "architectures": cast("Check", networks.check_architecture),
    "losses": cast("Check", objectives.check_loss),
    "penalties": cast("Check", penalties.check_penalty),
    "normalizations": cast("Check", layers.check_normalization),
    "conditioning": cast("Check", conditioning.check_conditioning),
    "pretext": cast("Check", tasks.check_pretext),
    "augment": cast("Check", objectives.check_augment),
    "optim": cast("Check", optimizers.check_optimizer),
    "remedies": cast("Check", remedies.check_remedy),
    "data": cast("Check", measures.check_dataset),
    "features": cast("Check", measures.check_features),
    "metrics": cast("Check", measures.check_metric),
}


def check_component(name: str, **arguments: object) -> None:
    """Check a component against the contract of its kind, on tiny inputs.

    Checked are docstring and signature; that it builds; that what it computes is finite, of the right shape, repeats
    under an equal random generator and leaves torch's global one alone; that gradients reach what is trained in a step
    and nothing else; that a state saved and loaded goes on identically; other batch sizes, labels, and bfloat16. Which
    kind is checked for what stands in the documentation, under "Writing a plugin".

    Args:
        name: `kind.name`, built in, of an installed package or of a loaded file.
        arguments: values of its options, as a configuration would give them: those without a default, and small widths
            to make it quick.

    Raises:
        ContractError: what breaks the contract, where, and how to mend it, all in one list.
        UserError: there is no such component, or it has no such option.
    """
    part = registry.part(name, **arguments)
    findings = Findings(part.component)
    check_declaration(part.component, findings)
    missing = [
        option
        for option, parameter in options_of(part.component).items()
        if parameter.default is inspect.Parameter.empty and option not in arguments
    ]
    if missing:
        values = ", ".join(f"{option}=..." for option in missing)
        findings.at("constructor").add("options have no default", f'give them: check_component("{name}", {values})')
    else:
        with findings.guard("check"), torch.random.fork_rng(devices=[]):
            CHECKS[part.component.kind](part, findings)
    findings.raise_if_any()

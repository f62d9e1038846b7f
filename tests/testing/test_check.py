"""The conformance suite says what is wrong with a component, and passes what is right (see test_sweep).

Components that are broken on purpose stand in `broken/` and, where a few lines tell it, below. Every place in
`ganzoo/testing/` that records a breach must be reached by one of them.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import pytest
import torch

from ganzoo import registry
from ganzoo.errors import UserError
from ganzoo.testing import ContractError, check_component, temporary_plugins
from ganzoo.testing.findings import Findings

Site = tuple[str, int]
# What these methods of `Findings` record counts once, wherever they are called; any other call counts by itself.
SHARED = ("expect_all_trained", "expect_finite", "expect_untouched", "no_global_rng")
TESTING = Path(sys.modules[Findings.__module__].__file__ or "").parent


@pytest.fixture(autouse=True)
def _forget_plugins() -> Iterator[None]:
    with temporary_plugins():
        yield


IMPORTS = """
import random
import torch
from torch import Tensor, nn
from torch.nn import functional
from ganzoo.architectures.base import DiscriminatorOutput, Discriminator, Generator
from ganzoo.augment.base import Augment
from ganzoo.batch import ImageBatch
from ganzoo.losses.base import AdversarialLoss
from ganzoo.normalizations.base import Normalization
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.penalties.base import Penalty, input_gradient
from ganzoo.pretext.base import PretextTask, TaskResult, LossTerm, View
from ganzoo.pretext.transform_prediction import TransformPrediction
from ganzoo.registry import register
"""

LOSS = '''
@register("losses")
class NAME(AdversarialLoss):
    """A loss.

    Source: this test.
    """
    def d_loss(self, real_logits_N, fake_logits_N):
        return D_LOSS
    def g_loss(self, fake_logits_N, real_logits_N):
        return G_LOSS
'''
D_LOSS, G_LOSS = "fake_logits_N.mean() - real_logits_N.mean()", "-fake_logits_N.mean()"

TRANSFORM = '''
@register("pretext")
class NAME(TransformPrediction):
    """A task.

    Source: this test.
    """
    num_transforms = 2
    def transform(self, x_NCHW):
        return [x_NCHW, OTHER]
'''

VIEWS = '''
@register("pretext")
class NAME(PretextTask):
    """A task.

    Source: this test.
    """
    def __init__(self, *, feature_dim: int, layers: object) -> None:
        super().__init__()
        self.head = layers.linear(feature_dim, 1)
    def views(self, batch, *, role, rng):
        images = batch.real if role == "d" else batch.fake
        return {"x": View(ImageBatch(images.images_NCHW, LABELS), "real")}
    def d_terms(self, outputs, *, step):
        return TaskResult([LossTerm("loss", self.head(outputs.views["x"].output.features_NF).VALUE)])
    def g_terms(self, outputs, *, step):
        return TaskResult()
'''

AUGMENT = '''
@register("augment")
class NAME(Augment):
    """An augmentation.

    Source: this test.
    """
    def forward(self, images_NCHW, *, rng):
        return OUT
'''

REPORTING = """
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("p", torch.zeros(()))
    def after_d_step(self, real_logits_N):
        self.p += 1
    def reports(self):
        return {"p": self.p}
"""

PENALTY = '''
@register("penalties")
class NAME(Penalty):
    """A penalty.

    Source: this test.
    """
    def forward(self, discriminator, real, fake, *, rng):
        return OUT
'''

BREACHES = {
    "no_docstring": ('@register("losses")\nclass NAME(AdversarialLoss):\n    pass\n', "docstring: there is none"),
    "no_source": (
        '@register("losses")\nclass NAME(AdversarialLoss):\n    """A loss."""\n',
        "no line begins with 'Source:'",
    ),
    "no_methods": (
        '@register("losses")\nclass NAME(AdversarialLoss):\n    """A loss.\n\n    Source: this test.\n    """\n',
        "raises NotImplementedError",
    ),
    "undocumented": (
        LOSS + "    def __init__(self, *, scale: float = 1.0) -> None:\n        pass\n",
        "argument 'scale': its meaning is not given",
    ),
    "by_position": (
        LOSS + "    def __init__(self, scale: float = 1.0) -> None:\n        pass\n",
        "argument 'scale': it can be given by position",
    ),
    "not_annotated": (
        LOSS + "    def __init__(self, *, scale=1.0) -> None:\n        pass\n",
        "argument 'scale': it has no type annotation",
    ),
    "without_default": (
        LOSS + "    def __init__(self, *, scale: float) -> None:\n        pass\n",
        'options have no default; give them: check_component("losses.without_default", scale=...)',
    ),
    "no_scalar": (LOSS.replace("D_LOSS", "fake_logits_N - real_logits_N"), "its shape is (1,)"),
    "wrong_sign": (LOSS.replace("G_LOSS", "fake_logits_N.mean()"), "a step on it does not raise the logits of fakes"),
    "overflows": (LOSS.replace("D_LOSS", "(fake_logits_N.exp() - real_logits_N).mean()"), "d_loss is not finite"),
    "changes_shape": (TRANSFORM.replace("OTHER", "x_NCHW[..., 1:]"), "the images of 'transformed' are"),
    "leaves_the_range": (TRANSFORM.replace("OTHER", "x_NCHW * 3"), "images of 'transformed' leave [-1, 1]"),
    "works_in_place": (TRANSFORM.replace("OTHER", "x_NCHW.neg_()"), "it changes the batch it is given"),
    "global_rng": (
        TRANSFORM.replace("OTHER", "x_NCHW + 0 * torch.rand(1)"),
        "it draws from torch's global random generator",
    ),
    "no_chance": (
        TRANSFORM.replace("OTHER", "x_NCHW.flip(3)")
        + "    def __init__(self, *, feature_dim, image_shape, batch_size, num_steps: int, layers: object):\n"
        "        runtime_args = {'image_shape': image_shape, 'batch_size': batch_size, 'num_steps': num_steps}\n"
        "        super().__init__(feature_dim=feature_dim, layers=layers, **runtime_args)\n"
        "        self.chance = {}\n",
        "it does not say what guessing reaches in 'accuracy_real'",
    ),
    "no_labels": (VIEWS.replace("LABELS", "None").replace("VALUE", "mean()"), "images and no class labels"),
    "no_scalar_term": (VIEWS.replace("LABELS", "images.labels_N").replace("VALUE", "squeeze(1)"), "scalar"),
    "untrained_head": (
        VIEWS.replace("LABELS", "images.labels_N").replace("VALUE", "detach().mean()"),
        "parameter 'head",
    ),
    "keeps_d": (
        VIEWS.replace("LABELS", "images.labels_N")
        .replace("VALUE", "mean()")
        .replace("layers: object)", "layers: object, discriminator: object)")
        .replace("super().__init__()", "super().__init__(); self.d = discriminator"),
        "it keeps the discriminator among its submodules",
    ),
    "augment_out_of_range": (AUGMENT.replace("OUT", "images_NCHW * 2"), "images leave [-1, 1]"),
    "augment_without_gradient": (
        AUGMENT.replace("OUT", "images_NCHW - images_NCHW").replace(
            "    def forward", "    applies_to_fake = True\n    def forward"
        ),
        "no gradient reaches the images",
    ),
    "augment_reports_its_buffer": (
        AUGMENT.replace("OUT", "images_NCHW") + REPORTING,
        "'p' changes after it was returned; return a copy",
    ),
    "augment_from_nowhere": (
        AUGMENT.replace("OUT", "images_NCHW * random.random()"),
        "it does not repeat under an equal generator",
    ),
    "penalty_of_nothing": (PENALTY.replace("OUT", "torch.zeros(())"), "num_d_images: it says 8"),
    "penalty_below_zero": (
        PENALTY.replace("OUT", "-input_gradient(discriminator, real).square().sum()"),
        "it is negative",
    ),
    "wrong_statistics": (
        '''
@register("normalizations")
class NAME(Normalization):
    """A layer.

    Source: this test.
    """
    def forward(self, x_NCHW, condition):
        return x_NCHW - x_NCHW.mean((0, 2, 3), keepdim=True)
''',
        "uses_batch_statistics is False, but an image's output depends on its batch",
    ),
    "climbs": (
        '''
@register("optim")
class NAME(OptimizerRecipe):
    """An optimizer.

    Source: this test.
    """
    def optimizer(self, parameters):
        return torch.optim.SGD(parameters, lr=0.1, maximize=True)
    def scheduler(self, optimizer):
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
''',
        "steps on a quadratic do not lower it",
    ),
    "counts_in_secret": (
        TRANSFORM.replace("OTHER", "x_NCHW.flip(3)") + "    num_calls = 0\n"
        "    def g_terms(self, outputs, *, step):\n"
        "        self.num_calls += 1\n"
        "        result = super().g_terms(outputs, step=step)\n"
        "        return TaskResult([LossTerm('loss', result.terms[0].value * self.num_calls)], result.reports)\n",
        "loaded from its state_dict, it goes on differently",
    ),
}


BROKEN = {
    f"{path.stem}.{node.name}": path
    for path in sorted((Path(__file__).parent / "broken").glob("*.py"))
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.ClassDef) and node.decorator_list
}


class Recorder:
    """Notes which lines of `ganzoo/testing/` record breaches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sites: set[Site] = set()
        add = Findings.add

        def recording_add(findings: Findings, what: str, remedy: str) -> None:
            frame: FrameType | None = sys._getframe(1)
            while (
                frame is not None
                and Path(frame.f_code.co_filename).name == "findings.py"
                and frame.f_code.co_name not in SHARED
            ):
                frame = frame.f_back
            assert frame is not None
            self.sites.add((Path(frame.f_code.co_filename).stem, frame.f_lineno))
            add(findings, what, remedy)

        monkeypatch.setattr(Findings, "add", recording_add)


def breach(path: Path, class_name: str = "") -> tuple[str, str, set[Site]]:
    """Check a broken component of a file; return what it should say, what is said, and where breaches were recorded."""
    with pytest.MonkeyPatch.context() as monkeypatch, temporary_plugins():
        recorder = Recorder(monkeypatch)
        names = [name for name in registry.load_file(path) if name.endswith(f".{class_name}") or not class_name]
        (name,) = names
        with pytest.raises(ContractError) as error:
            check_component(name)
        return getattr(registry.get(name), "said", ""), str(error.value), recorder.sites


@cache
def breach_of_text(case: str, folder: Path) -> tuple[str, str, set[Site]]:
    """Check one of `BREACHES`."""
    source, said = BREACHES[case]
    path = folder / f"{case}.py"
    path.write_text(IMPORTS + source.replace("NAME", case).replace("D_LOSS", D_LOSS).replace("G_LOSS", G_LOSS))
    _, message, sites = breach(path)
    assert message.startswith(f"losses.{case} ({path})") or f".{case} ({path}) breaks its contract in " in message
    return said, message, sites


@cache
def breach_of_file(case: str) -> tuple[str, str, set[Site]]:
    """Check a component of `broken/`."""
    return breach(BROKEN[case], case.partition(".")[2])


def assert_said(said: str, message: str) -> None:
    assert said in message
    for line in message.splitlines()[1:]:
        if line.startswith("  ") and line[2].isdigit():
            where, _, rest = line.partition(". ")[2].partition(": ")
            assert where
            assert "; " in rest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


@pytest.mark.parametrize("case", BREACHES)
def test_a_breach_is_named_with_its_place_and_remedy(case: str, folder: Path) -> None:
    said, message, _ = breach_of_text(case, folder)
    assert_said(said, message)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_component_is_told_what_is_wrong_and_how_to_mend_it(case: str) -> None:
    said, message, _ = breach_of_file(case)
    assert said
    assert_said(said, message)


def call_sites() -> dict[Site, str]:
    """Return every line of `ganzoo/testing/` that may record a breach, with the code of its call."""
    found: dict[Site, str] = {}
    for path in TESTING.glob("*.py"):
        tree: ast.AST = ast.parse(path.read_text())
        receivers: tuple[str, ...] = ("findings", "at", "of_")
        if path.stem == "findings":
            methods = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name in SHARED]
            assert len(methods) == len(SHARED)
            tree, receivers = ast.Module([*methods], []), ("self",)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            records = (name == "add" or name.startswith("expect")) and name not in SHARED
            if records and ast.unparse(node.func.value).startswith(receivers):
                lines = range(node.lineno, (node.end_lineno or 0) + 1)
                found |= {(path.stem, line): ast.unparse(node) for line in lines}
    return found


def test_every_check_catches_a_component_that_breaks_it(folder: Path, tmp_path: Path) -> None:
    outcomes = [breach_of_text(case, folder) for case in BREACHES] + [breach_of_file(case) for case in BROKEN]
    for name, body, _ in REMEDIES:
        path = tmp_path / f"{name}.py"
        path.write_text(IMPORTS + REMEDY.replace("NAME", name).replace("BODY", body))
        outcomes.append(breach(path))
    known = call_sites()
    caught = {known[site] for _, _, sites in outcomes for site in sites if site in known}
    assert set(known.values()) - caught == set()


def test_every_breach_is_listed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "twice.py"
    source = LOSS.replace("    Source: this test.\n", "").replace("G_LOSS", "fake_logits_N.mean()")
    path.write_text(IMPORTS + source.replace("NAME", "twice").replace("D_LOSS", D_LOSS))
    registry.load_file(path)
    with pytest.raises(ContractError, match=r"(?s)1\. docstring.*2\. g_loss"):
        check_component("losses.twice")


def test_an_exception_is_told_with_the_line_of_the_component(tmp_path: Path) -> None:
    path = tmp_path / "raises.py"
    text = IMPORTS + TRANSFORM.replace("NAME", "raises").replace("OTHER", "x_NCHW.no_such_method()")
    path.write_text(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "no_such_method" in row)
    registry.load_file(path)
    with pytest.raises(ContractError, match=rf"raises\.py:{line}\): raises AttributeError"):
        check_component("pretext.raises")


def test_the_check_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    check_component("pretext.rotation")
    assert torch.equal(before, torch.get_rng_state())


def test_an_unknown_component_or_option_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match=r"did you mean 'pretext\.rotation'"):
        check_component("pretext.rotaton")
    with pytest.raises(UserError, match="has no parameter 'alhpa'; did you mean 'alpha'"):
        check_component("pretext.rotation", alhpa=0.1)


REMEDY = '''
from ganzoo.pretext.base import LossTerm
from ganzoo.remedies.base import Examples, Remedy

@register("remedies")
class NAME(Remedy):
    """A remedy.

    Source: this test.
    """
    num_task_examples = 2
    def __init__(self):
        super().__init__()
        self.kept = None
    BODY
'''


REMEDIES = [
    (
        "in_front",
        "def mix(self, fresh, *, rng): return Examples(fresh.batch[4:], fresh.is_positive_N[4:])",
        "begin",
    ),
    ("of_none", "def terms(self, network): return [LossTerm('x', torch.zeros(()))]", "no gradient flows"),
    ("drawing", "def after_step(self, fresh, *, rng): torch.rand(1)", "global random generator"),
    ("meddling", "def after_task(self, network, examples): network.linear.bias.data += 1", "changes the network"),
    (
        "forgetful",
        "def after_task(self, network, examples): self.kept = network.linear.bias.detach().clone()\n"
        "    def terms(self, network):\n"
        "        return [] if self.kept is None else [LossTerm('x', (network.linear.bias - self.kept + 1).norm())]",
        "goes on differently",
    ),
]


@pytest.mark.parametrize(("name", "body", "said"), REMEDIES)
def test_a_broken_remedy_is_told_what_is_wrong(name: str, body: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(IMPORTS + REMEDY.replace("NAME", name).replace("BODY", body))
    registry.load_file(path)
    with pytest.raises(ContractError, match=said):
        check_component(f"remedies.{name}")

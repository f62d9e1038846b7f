"""Components are found by folder, by entry point and by file; a wrong one is a sentence and harms no other."""

import doctest
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from torch import Tensor, nn

from ganzoo import errors, registry
from ganzoo.augment.base import Augment
from ganzoo.component import Part, annotation_of, parameters_of
from ganzoo.errors import UserError
from ganzoo.losses.base import AdversarialLoss
from ganzoo.losses.hinge import hinge
from ganzoo.registry import register

LOSS = '''
from ganzoo.errors import ParameterError
from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register

@register("losses")
class {name}(AdversarialLoss):
    """A loss of a plugin.

    More.
    """

    def __init__(self, *, margin: float = 1.0{extra}) -> None:
        if margin < 0:
            raise ParameterError("margin", f"must not be negative, not {{margin}}")
        self.margin = margin
'''


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    before = set(registry._loaded)
    registry._entry_points.cache_clear()
    yield
    registry._entry_points.cache_clear()
    for name in set(registry._loaded) - before - set(registry._builtin()):
        del registry._loaded[name]
        registry._files.pop(name, None)


def plugin(folder: Path, name: str = "plugin_loss", *, extra: str = "", file: str = "plugin.py") -> Path:
    (folder / file).write_text(LOSS.format(name=name, extra=extra))
    return folder / file


class Distribution(importlib.metadata.Distribution):
    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def metadata(self) -> importlib.metadata.PackageMetadata:  # type: ignore[override]
        return {"Name": self._name, "Version": "1.2"}  # type: ignore[return-value]

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def offer(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str, str]) -> None:
    """Pretend that packages are installed: (distribution, component, object reference)."""
    points = [
        importlib.metadata.EntryPoint(name, value, registry.ENTRY_POINT_GROUP)._for(Distribution(package))  # type: ignore[attr-defined]
        for package, name, value in entries
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: points)
    registry._entry_points.cache_clear()


@pytest.mark.parametrize("module", [registry, errors])
def test_the_examples_in_docstrings_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_built_in_components_are_listed_without_importing_torch() -> None:
    code = "import sys; from ganzoo import registry; print('losses.hinge' in registry.index(), 'torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["True", "False"]


def test_a_listing_names_module_origin_and_first_sentence() -> None:
    listing = registry.index()["losses.hinge"]
    assert (listing.module, listing.origin) == ("ganzoo.losses.hinge", "ganzoo")
    assert listing.summary == (hinge.__doc__ or "").splitlines()[0]
    assert registry.get("losses.hinge") is hinge


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("pretext.rotaton", "did you mean 'pretext.rotation'?"),
        ("rotation", "did you mean 'pretext.rotation'?"),
        ("losses.rotation", "did you mean 'pretext.rotation'?"),
        ("zzz", "`ganzoo list` shows the"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(UserError) as error:
        registry.get(name, where="x.gin:3")
    assert str(error.value).startswith(f"x.gin:3: no component '{name}'; {suggestion}")


def test_a_part_from_python_refuses_an_unknown_argument() -> None:
    with pytest.raises(UserError, match=r"^pretext.rotation has no parameter 'alpa'; did you mean 'alpha'\?$"):
        registry.part("pretext.rotation", alpa=1.0)
    with pytest.raises(UserError, match="has no parameter 'batch_size'"):
        registry.part("pretext.rotation", batch_size=4)


def test_a_loose_file_adds_its_components(tmp_path: Path) -> None:
    path = plugin(tmp_path)
    assert registry.load_file(path) == ["losses.plugin_loss"]
    assert registry.load_file(path) == ["losses.plugin_loss"]
    listing = registry.index()["losses.plugin_loss"]
    assert (listing.origin, listing.summary) == (str(path), "A loss of a plugin.")
    found = registry.plugin_file("losses.plugin_loss")
    assert found is not None
    assert found == (path, registry.plugin_sha256("losses.plugin_loss"))
    assert registry.plugin_sha256("losses.hinge") is None


FAILS_LATE = "from ganzoo.losses.hinge import hinge\n{plugin}\nraise RuntimeError('too late')\n"


def test_a_file_that_fails_to_load_takes_nothing_with_it_that_it_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ganzoo import registry; from ganzoo.errors import UserError\n"
        "try:\n    registry.load_file(Path(sys.argv[1]))\nexcept UserError as error:\n    print(error)\n"
        "print(registry.get('losses.hinge').__name__, 'losses.plugin_loss' in registry.index())"
    )
    path = tmp_path / "plugin.py"
    path.write_text(FAILS_LATE.format(plugin=LOSS.format(name="plugin_loss", extra="")))
    # In a process of its own, in which nothing has imported the hinge loss before.
    out = subprocess.check_output([sys.executable, "-c", code, str(path)], text=True).splitlines()
    assert out[0].endswith("cannot be loaded: RuntimeError: too late")
    assert out[1] == "hinge False"


def test_a_package_that_fails_to_load_can_be_loaded_once_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "late_package"
    package.mkdir()
    (package / "__init__.py").write_text("from late_package.loss import late_loss\nfrom late_package.rest import x\n")
    (package / "loss.py").write_text(LOSS.format(name="late_loss", extra="") + "\nraise RuntimeError('too late')\n")
    (package / "rest.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    offer(monkeypatch, ("late-package", "losses.late_loss", "late_package:late_loss"))
    with pytest.raises(UserError, match=r"'losses\.late_loss' of late-package cannot be loaded: too late"):
        registry.get("losses.late_loss")
    assert "losses.late_loss" not in registry._loaded
    (package / "loss.py").write_text(LOSS.format(name="late_loss", extra=""))
    assert registry.get("losses.late_loss").__module__ == "late_package.loss"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "registers no component: decorate its class with @register"),
        ("raise RuntimeError('no')\n", "cannot be loaded: RuntimeError: no"),
        ("import sys; sys.exit('bye')\n", "cannot be loaded: SystemExit: bye"),
        ("import no_such_module_\n", "cannot be loaded: ModuleNotFoundError"),
        (LOSS.format(name="hinge", extra=""), "losses.hinge is registered twice: here and in ganzoo; rename one"),
        (LOSS.format(name="x", extra=", **kwargs: float"), r"losses.x takes '\*kwargs', which would swallow"),
        (LOSS.format(name="x", extra="").replace("(self, *,", "(self, gain: float = 1.0, /, *,"), "by position only"),
        (
            LOSS.format(name="x", extra="").replace('"losses"', '"loses"'),
            "no kind 'loses' for x; did you mean 'losses'",
        ),
        (
            LOSS.format(name="x", extra="").replace('"losses"', '"optim"'),
            "must derive from the base class in ganzoo/optim",
        ),
    ],
)
def test_a_wrong_loose_file_is_a_sentence_and_leaves_no_trace(tmp_path: Path, text: str, message: str) -> None:
    path, before = tmp_path / "plugin.py", set(registry.index())
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        registry.load_file(path)
    assert set(registry.index()) == before
    assert registry.get("losses.hinge") is hinge


def test_a_missing_loose_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no plugin file '.*none.py'; --plugin takes the path of a Python file"):
        registry.load_file(tmp_path / "none.py")


def test_an_entry_point_is_loaded_when_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The package offers the class from its top, and defines it in a module below.
    package = tmp_path / "registry_test_package"
    package.mkdir()
    plugin(package, file="inside.py")
    (package / "__init__.py").write_text("from registry_test_package.inside import plugin_loss\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    offer(monkeypatch, ("a-package", "losses.plugin_loss", "registry_test_package:plugin_loss"))
    assert registry.index()["losses.plugin_loss"].origin == "a-package 1.2"
    assert "registry_test_package" not in sys.modules
    assert registry.get("losses.plugin_loss").__module__ == "registry_test_package.inside"
    digest = registry.plugin_sha256("losses.plugin_loss")
    assert digest is not None
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("losses.gone", "no_such_module_:gone", "'losses.gone' of a-package cannot be loaded: No module named"),
        ("losses.text", "ganzoo.registry:ENTRY_POINT_GROUP", "'losses.text' of a-package is no component"),
        (
            "losses.other",
            "ganzoo.losses.hinge:hinge",
            "its class registers as 'losses.hinge': give entry point and class",
        ),
    ],
)
def test_a_wrong_entry_point_is_a_sentence_when_named_and_harms_no_list(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    offer(monkeypatch, ("a-package", name, value))
    assert name in registry.index()
    with pytest.raises(UserError, match=message):
        registry.get(name)
    assert registry.get("losses.hinge") is hinge


def test_two_packages_with_one_name_are_refused_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("first", "losses.same", "ganzoo.x:same"), ("second", "losses.same", "ganzoo.y:same"))
    with pytest.raises(UserError, match=r"both first 1.2 and second 1.2 add 'losses.same'; uninstall one of them"):
        registry.get("losses.same")


def test_a_part_gets_the_facts_that_it_names_and_places_its_own_refusal(tmp_path: Path) -> None:
    registry.load_file(plugin(tmp_path))
    component = registry.get("losses.plugin_loss")
    assert Part("losses.plugin_loss", component, {"margin": 2.0})().margin == 2.0  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"^x.gin:7: losses.plugin_loss.margin must not be negative, not -1.0$"):
        Part("losses.plugin_loss", component, {"margin": -1.0}, where="x.gin:7")()
    with pytest.raises(AssertionError, match="no runtime arguments"):
        Part("losses.plugin_loss", component)(batch_size=4)


def test_parts_are_equal_wherever_they_are_referred_to() -> None:
    assert Part("losses.hinge", hinge, {}, where="a.gin:1") == Part("losses.hinge", hinge, {}, where="b.gin:2")
    assert Part("losses.hinge", hinge, {}, scope="G") != Part("losses.hinge", hinge, {}, scope="D")


def test_a_torch_module_without_a_constructor_has_no_parameters() -> None:
    class plain(Augment):
        def forward(self, images_NCHW: Tensor, *, rng: object) -> Tensor:
            return images_NCHW

    assert parameters_of(plain) == {}
    assert isinstance(Part("augment.plain", plain)(), nn.Module)


def test_an_annotation_that_cannot_be_resolved_is_a_sentence() -> None:
    class lost(AdversarialLoss):
        def __init__(self, *, gain: "Missing" = 1) -> None:  # type: ignore[name-defined]  # noqa: F821
            pass

    with pytest.raises(UserError, match=r"an annotation in the constructor of losses.lost cannot be resolved"):
        annotation_of(lost, "gain")


def test_registering_needs_the_contract_of_the_kind() -> None:
    with pytest.raises(TypeError, match=r"losses.stray must derive from the base class in ganzoo/losses/base.py"):

        @register("losses")
        class stray(Augment):
            pass


def test_a_component_registered_twice_in_one_plugin_file_is_refused(tmp_path: Path) -> None:
    one = '@register("losses")\nclass twice_here(AdversarialLoss):\n    """A loss."""\n\n'
    head = "from ganzoo.losses.base import AdversarialLoss\nfrom ganzoo.registry import register\n\n"
    path = tmp_path / "twice.py"
    path.write_text(head + one + one)
    with pytest.raises(UserError) as error:
        registry.load_file(path)
    assert str(error.value) == (
        f"the plugin '{path}' cannot be loaded: losses.twice_here is registered twice in one file; rename one"
    )
    assert "losses.twice_here" not in registry.index()

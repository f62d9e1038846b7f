"""A test that needs what a machine lacks is skipped with the reason; where everything is required, it fails."""

from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def conftest(request: pytest.FixtureRequest) -> object:
    path = str(Path(__file__).parent / "conftest.py")
    (plugin,) = [p for p in request.config.pluginmanager.get_plugins() if getattr(p, "__file__", None) == path]
    return plugin


def item(marker: str) -> SimpleNamespace:
    return SimpleNamespace(iter_markers=lambda: [SimpleNamespace(name=marker)])


@pytest.mark.parametrize(("marker", "package"), [("browser", "chromium"), ("fashion_mnist", "dataset-fashion-mnist")])
def test_what_is_missing_skips_or_fails_and_names_the_package(
    conftest: SimpleNamespace, marker: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(conftest, "FASHION_MNIST", tmp_path / "none")
    monkeypatch.delenv("GANZOO_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"apt-get install .*{package}"):
        conftest.pytest_runtest_setup(item(marker))
    monkeypatch.setenv("GANZOO_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match=package):
        conftest.pytest_runtest_setup(item(marker))


def test_what_is_there_runs(conftest: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for program in ("chromium", "chromedriver"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setattr(conftest, "FASHION_MNIST", tmp_path)
    for marker in ("browser", "fashion_mnist", "slow"):
        conftest.pytest_runtest_setup(item(marker))

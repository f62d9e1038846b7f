"""The README is true, and so are the pages' links, commands, options and names of files."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from ganzoo import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_first_two_blocks_are_one_command_each() -> None:
    first, second = code_blocks("bash")[:2]
    assert "ganzoo run gin/quickstart.gin" in first
    assert "pytest" in second
    assert first.count("\n") == second.count("\n") == 1


def test_ci_calls_exactly_the_test_command() -> None:
    assert code_blocks("bash")[1].strip() in (ROOT / ".ci/run").read_text().splitlines()


def test_the_recipe_shown_is_the_recipe() -> None:
    assert code_blocks("gin")[0].strip() == (ROOT / "gin/ssgan_resnet.gin").read_text().strip()


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_three_gans_differ_in_the_line_that_the_table_gives() -> None:
    rows = re.findall(r"^\| [\w-]+ \| `(\w+)` \| `(.+)` \|$", README, re.MULTILINE)
    assert [recipe for recipe, _ in rows] == ["ssgan_resnet", "uncond_resnet", "cond_resnet"]
    shared = None
    for recipe, own in rows:
        lines = [line for line in (ROOT / f"gin/{recipe}.gin").read_text().splitlines() if line and line[0] != "#"]
        assert [line for line in lines if not line.startswith("include")] == [own]
        shared = shared or [line for line in lines if line.startswith("include")]
        assert shared == [line for line in lines if line.startswith("include")]


def test_the_name_of_the_distribution_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"`{project['name']}`" in README
    asked_for = [name for extra in project["optional-dependencies"].values() for name in extra if "ganzoo" in name]
    assert asked_for
    assert all(name.startswith(f"{project['name']}[") for name in asked_for)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        # The gallery is made when the pages are built; tests/docs/test_gallery.py makes it.
        assert (page.parent / target).exists() or target.startswith("gallery/"), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one_that_the_program_takes(page: Path) -> None:
    commands = typer.main.get_command(cli.app)
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(), flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\|", line):
                words = shlex.split(part, comments=True)
                if words[:1] == ["ganzoo"] and len(words) > 1 and not words[1].startswith("-"):
                    commands.commands[words[1]].make_context(words[1], words[2:])


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# Programs that the pages name beside ganzoo.
FOREIGN_OPTIONS = {"--index-url", "--rounds", "--only", "--size", "--width", "--bfloat16", "--num-neighbours", "--jobs"}


def code_spans(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_in_a_sentence_exists(page: Path) -> None:
    commands = typer.main.get_command(cli.app).commands
    known = {option for command in commands.values() for parameter in command.params for option in parameter.opts}
    for span in code_spans(page.read_text("utf-8")):
        program, _, rest = span.partition(" ")
        name = rest.split(" ")[0]
        if program == "ganzoo" and name and name[0] != "-":
            assert name in commands, span
            own = {option for parameter in commands[name].params for option in parameter.opts}
            assert set(OPTION.findall(rest.partition(" && ")[0])) <= own, span
        elif program in ("python", "pip", "pytest", "sphinx-build", "apt-get"):
            continue
        else:
            assert set(OPTION.findall(span)) <= known | FOREIGN_OPTIONS, span


FOLDERS = ("ganzoo/", "gin/", "benchmarks/", "docs/", "tests/", ".ci/")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_project_that_a_sentence_names_exists(page: Path) -> None:
    for span in code_spans(page.read_text("utf-8")):
        # Names in capitals and my_grid stand for the reader's own files.
        for word in span.split():
            if word.startswith(FOLDERS) and not re.search(r"[A-Z]{2}|my_", word):
                assert list(ROOT.glob(word.replace("<kind>", "*").rstrip("/,;"))), f"{page.name}: {word}"

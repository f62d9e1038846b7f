"""The README is true, and so are the pages' commands and links: each is the file, the result or the option it names."""

import json
import re
import shlex
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


def test_the_table_is_the_committed_result_of_the_quickstart() -> None:
    result = json.loads((ROOT / "docs/images/quickstart_result.json").read_text())
    for metric in result["metrics"]:
        row = next(line for line in README.splitlines() if line.startswith(f"| `{metric['name']}`"))
        assert f"{metric['value']:.4g}" in row
    assert result["step"] == 2000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one_that_the_program_takes(page: Path) -> None:
    commands = typer.main.get_command(cli.app)
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(), flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\|", line):
                words = shlex.split(part, comments=True)
                if words[:1] == ["ganzoo"] and len(words) > 1 and not words[1].startswith("-"):
                    commands.commands[words[1]].make_context(words[1], words[2:])


def test_the_table_of_recipes_names_every_recipe_that_is_packaged() -> None:
    named = [name for line in README.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+\*?)`", line)]
    families = tuple(name.rstrip("*") for name in named if name.endswith("*"))
    recipes = {path.stem for path in (ROOT / "gin").glob("*.gin")}
    assert {name for name in recipes if not name.startswith(families)} <= set(named)

"""The README is true: its recipe is the file, its test command is what CI calls, its table is a result."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
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


def test_every_link_to_a_file_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_table_of_recipes_names_every_recipe_that_is_packaged() -> None:
    named = [name for line in README.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+\*?)`", line)]
    families = tuple(name.rstrip("*") for name in named if name.endswith("*"))
    recipes = {path.stem for path in (ROOT / "gin").glob("*.gin")}
    assert {name for name in recipes if not name.startswith(families)} <= set(named)

"""What several commands read and write alike."""

from pathlib import Path

import pytest

from ganzoo.commands.options import seeds_of, write_for_user
from ganzoo.errors import UserError


@pytest.mark.parametrize(("text", "seeds"), [("0", [0]), ("0,1,2", [0, 1, 2]), (" 7, 05 ", [7, 5])])
def test_seeds_are_whole_numbers_between_commas(text: str, seeds: list[int]) -> None:
    assert seeds_of(text) == seeds


@pytest.mark.parametrize("text", ["", "1,", "a", "1;2", "-1", "1.0", "0-4"])
def test_what_is_no_list_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=f"--seeds takes whole numbers .* such as 0,1,2, not '{text}'"):
        seeds_of(text)


def test_a_file_for_the_user_is_written_whole_with_its_folder(tmp_path: Path) -> None:
    write_for_user(tmp_path / "new" / "numbers.json", "{}\n")
    assert (tmp_path / "new" / "numbers.json").read_text() == "{}\n"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["numbers.json"]


def test_a_place_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    path = tmp_path / "file" / "numbers.json"
    with pytest.raises(UserError, match=f"cannot write '{path}' \\(.*\\); choose another --out"):
        write_for_user(path, "{}\n")

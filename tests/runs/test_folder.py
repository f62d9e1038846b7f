"""Files that a kill cannot harm."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo.errors import UserError
from ganzoo.runs import folder as run_folder
from ganzoo.runs.folder import RunFolder, append_row, drop_rows_after, read_rows, write_atomically

REMOVE = run_folder._remove


def test_rows_after_a_step_are_dropped_and_the_rest_stays_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for step in (2, 4, 6):
        append_row(path, {"step": step, "d/loss": 0.1 * step})
    expected = "".join(path.read_text().splitlines(keepends=True)[:2])
    drop_rows_after(path, 5)
    assert path.read_text() == expected


def test_a_last_line_cut_short_by_a_kill_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "d/lo')
    assert read_rows(path) == [{"step": 1}]
    assert read_rows(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("garbage", "it is no object of JSON"),
        ("", "it is no object of JSON"),
        ("[1]", "it is no object of JSON"),
        ('{"d/loss": 1.0}', "its step is null, and must be a whole number"),
        ('{"step": "2"}', 'its step is "2", and must be a whole number'),
        ('{"step": 2, "d/loss": "a"}', "'d/loss' is \"a\", and must be a number"),
        ('{"step": 2, "d/loss": true}', "'d/loss' is true, and must be a number"),
    ],
)
def test_a_complete_line_that_is_no_row_is_refused_with_its_place(tmp_path: Path, line: str, wrong: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 1}}\n{line}\n{{"step": 3}}\n')
    with pytest.raises(UserError) as error:
        read_rows(path)
    assert str(error.value) == f"{path}:2: is no row of a run: {wrong}; mend the line, or remove it"


@pytest.mark.parametrize(
    ("content", "expected", "place"),
    [
        ("[]", "`object`", ""),
        ('"finished"', "`object`", ""),
        ('{"status": "finished", "step": "12"}', "`int`", "$.step"),
        ('{"status": "finished", "step": 12.5}', "`int`", "$.step"),
        ('{"status": 1}', "`str`", "$.status"),
        ('{"metrics": {}}', "`array`", "$.metrics"),
        ('{"seconds": null}', "`float`", "$.seconds"),
    ],
)
def test_a_result_of_another_shape_is_refused(tmp_path: Path, content: str, expected: str, place: str) -> None:
    folder = RunFolder(tmp_path)
    folder.operative_path.write_text("")
    folder.result_path.write_text(content)
    with pytest.raises(UserError) as error:
        folder.result()
    said = str(error.value)
    assert said.startswith(f"{tmp_path}/result.json: ")
    assert said.endswith("; the run folder is damaged: bring the file back")
    assert expected in said
    assert place in said


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    write_atomically(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoints_are_listed_by_step_and_temporary_ones_are_not(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for name in ("step-00000100", "step-00000020", ".step-300-77"):
        (folder.checkpoints_path / name).mkdir(parents=True)
    assert folder.checkpoints() == [20, 100]
    assert folder.checkpoint_path(20).name == "step-00000020"


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no run folder: it has no operative.gin"):
        RunFolder.existing(tmp_path)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_run_folder_that_cannot_be_made_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    refused = pytest.raises(UserError, match=r"cannot use '.*' as a run folder \((File exists|Not a directory)\)")
    with refused, RunFolder(tmp_path / name).lock():
        pass


def test_a_file_system_without_locks_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("ganzoo.runs.folder.fcntl.flock", no_locks)
    refused = pytest.raises(UserError, match=r"cannot be locked \(No locks available\).*choose another --out")
    with refused, RunFolder(tmp_path / "a").lock():
        pass


def test_a_clearing_that_is_killed_leaves_a_folder_of_the_old_run_which_the_next_one_clears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ("operative.gin", "result.json", "env.json", "metrics.jsonl", "checkpoints/step-2/a", "samples/step-2.png")
    for num_before_kill in range(len(files)):
        folder = RunFolder(tmp_path / str(num_before_kill))
        for name in files:
            write_atomically(folder.path / name, "old")
        left = iter(range(num_before_kill))

        def kill(path: Path, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            REMOVE(path)

        with monkeypatch.context() as patch:
            patch.setattr(run_folder, "_remove", kill)
            with pytest.raises(KeyboardInterrupt):
                folder.clear()
        assert folder.operative_path.exists(), f"after {num_before_kill} removals what is left is nobody's"
        assert folder.result_path.exists() == (num_before_kill == 0)
        folder.clear()
        assert list(folder.path.iterdir()) == []


def test_what_a_run_left_without_its_configuration_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    ours = ("result.json", "metrics.jsonl", "checkpoints/step-00000002/a", "checkpoints/damaged-step-00000002/a")
    others = ("notes.txt", "checkpoints/mine.pt", "samples/cat.png", "plugins/mine.py", "config.gin")
    for name in (*ours, *others):
        write_atomically(tmp_path / name, "")
    assert folder.result() is None
    folder.clear()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(others)


@pytest.mark.parametrize("whole", [True, False])
def test_clearing_removes_a_link_and_not_what_it_points_to(tmp_path: Path, whole: bool) -> None:
    target = tmp_path / "disk" / "step-00000002"
    target.mkdir(parents=True)
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.checkpoints_path.symlink_to(target.parent)
    if whole:
        write_atomically(folder.operative_path, "old")
    folder.clear()
    assert not folder.checkpoints_path.is_symlink()
    assert target.exists()

"""Keys of rows: what their parts are, and that a text comes back as it was."""

import pytest

from ganzoo.diagnostics.row_keys import RowKey, keys, series

KEYS = {
    "d/loss": RowKey("d", "loss"),
    "d/rotation/accuracy_real": RowKey("d", "accuracy_real", owner="rotation"),
    "d/penalty/r1": RowKey("d", "r1", owner="penalty"),
    "metric/fd": RowKey("metric", "fd"),
    "metric/fd/test": RowKey("metric", "fd", split="test"),
    "sigma/discriminator.blocks.0.conv1": RowKey("sigma", "discriminator.blocks.0.conv1"),
    "health/d_gap": RowKey("health", "d_gap"),
    "step": RowKey("step", ""),
}


@pytest.mark.parametrize(("text", "key"), KEYS.items())
def test_a_key_and_its_text_are_one(text: str, key: RowKey) -> None:
    assert RowKey.parse(text) == key
    assert str(key) == text


def test_the_subject_is_the_task_the_layer_or_the_measurement_with_its_split() -> None:
    assert [KEYS[text].subject for text in ("d/rotation/accuracy_real", "metric/fd/test", "health/d_gap")] == [
        "rotation",
        "fd/test",
        "d_gap",
    ]


def test_only_a_task_has_an_accuracy() -> None:
    found = {text: RowKey.parse(text).accuracy_of for text in ("d/a/accuracy_real", "metric/accuracy_real", "d/a/loss")}
    assert found == {"d/a/accuracy_real": "real", "metric/accuracy_real": None, "d/a/loss": None}


def test_keys_come_in_the_order_of_their_first_row_and_values_with_their_steps() -> None:
    rows = [{"step": 1, "sigma/b": 1.0}, {"step": 2, "sigma/a": 3.0, "sigma/b": 2.0, "sigmas": 1.0}]
    assert [str(key) for key in keys(rows, "sigma/*")] == ["sigma/b", "sigma/a"]
    assert series(rows, RowKey("sigma", "b")) == [(1, 1.0), (2, 2.0)]

"""Algorithm R, draw by draw, and the container that keeps by it."""

import pytest
import torch

from ganzoo.layers.reservoir import Reservoir, reservoir_slots


def test_slots_are_those_of_one_draw_after_another_and_the_last_item_wins() -> None:
    capacity, seen = 3, 2
    expected: dict[int, int] = {}
    rng = torch.Generator().manual_seed(4)
    for i in range(40):
        number = seen + i
        slot = number if number < capacity else int(torch.randint(number + 1, (), generator=rng))
        if slot < capacity:
            expected[slot] = i
    assert reservoir_slots(seen, 40, capacity=capacity, rng=torch.Generator().manual_seed(4)) == expected
    assert expected[2] > 0  # the first item filled slot 2, and a later one took it


def test_until_it_is_full_every_item_has_the_next_slot() -> None:
    assert reservoir_slots(0, 4, capacity=5, rng=torch.Generator()) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert reservoir_slots(4, 1, capacity=5, rng=torch.Generator()) == {4: 0}


def test_without_new_items_nothing_changes() -> None:
    assert reservoir_slots(9, 0, capacity=5, rng=torch.Generator()) == {}


def test_rows_of_all_tensors_stay_together_and_are_drawn_from_what_was_seen() -> None:
    kept = Reservoir(3, {"pixels": torch.zeros(2), "number": torch.zeros((), dtype=torch.int64)})
    rng = torch.Generator().manual_seed(2)
    expected: dict[int, int] = {}
    for first in (0, 4):
        numbers = torch.arange(first, first + 4)
        slots = reservoir_slots(first, 4, capacity=3, rng=torch.Generator().manual_seed(first))
        expected |= {slot: first + row for slot, row in slots.items()}
        items = {"pixels": numbers[:, None].double().expand(4, 2), "number": numbers}
        kept.take(items, rng=torch.Generator().manual_seed(first))
    assert kept.num_kept == 3
    assert kept.get_buffer("number").tolist() == [expected[slot] for slot in range(3)]
    drawn = kept.draw(50, rng=rng)
    rows = torch.randint(3, (50,), generator=torch.Generator().manual_seed(2))
    assert torch.equal(drawn["number"], kept.get_buffer("number")[rows])
    assert torch.equal(drawn["pixels"], drawn["number"][:, None].float().expand(50, 2))
    assert set(kept.state_dict()) == {"pixels", "number", "_extra_state"}


def test_room_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        Reservoir(0, {"pixels": torch.zeros(2)})

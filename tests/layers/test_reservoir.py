"""Algorithm R, draw by draw."""

import torch

from ganzoo.layers.reservoir import reservoir_slots


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

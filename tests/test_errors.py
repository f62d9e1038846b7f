"""A component's refusal names its parameters as data, and a near name is suggested."""

import pickle
from collections.abc import Callable

import pytest

from ganzoo.errors import ParameterError, check_at_least, check_not_negative, check_positive, closest, nearest

ERROR = ParameterError("num_keys", "= 8 is less than {batch_size} = 16; set {num_keys}, not {queue}")


def test_parameters_are_shown_by_their_short_names_or_their_full_keys() -> None:
    assert str(ERROR) == "num_keys = 8 is less than batch_size = 16; set num_keys, not queue"
    keys = {"num_keys": "pretext.x.num_keys", "batch_size": "experiment.batch_size", "size": "data.x.size"}
    assert ERROR.message(keys) == (
        "pretext.x.num_keys = 8 is less than experiment.batch_size = 16; set pretext.x.num_keys, not queue"
    )
    assert ERROR.names == ["num_keys", "batch_size", "num_keys", "queue"]


def test_an_error_of_another_process_arrives_with_its_data() -> None:
    arrived = pickle.loads(pickle.dumps(ERROR))
    assert (arrived.name, arrived.text, str(arrived)) == (ERROR.name, ERROR.text, str(ERROR))


@pytest.mark.parametrize(
    ("check", "accepted", "refused", "text"),
    [
        (lambda value: check_at_least(2, first=2, value=value), 2, 1, "value must be at least 2, not 1"),
        (lambda value: check_not_negative(first=0.0, value=value), 0.0, -0.5, "value must not be negative, not -0.5"),
        (lambda value: check_positive(first=0.1, value=value), 0.1, 0.0, "value must be greater than 0, not 0.0"),
    ],
)
def test_the_first_value_out_of_range_is_named(
    check: Callable[[float], None], accepted: float, refused: float, text: str
) -> None:
    check(accepted)
    with pytest.raises(ParameterError) as error:
        check(refused)
    assert str(error.value) == text


def test_a_number_that_is_not_given_is_not_too_small() -> None:
    check_at_least(2, value=None)


def test_only_a_name_that_resembles_is_suggested() -> None:
    known = ["rotation", "replay"]
    assert (closest("rotaton", known), nearest("rotaton", known)) == ("rotation", "; did you mean 'rotation'?")
    assert (closest("x", known), nearest("x", known)) == ("", "")

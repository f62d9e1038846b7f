"""Published numbers: those of the papers, with source and protocol."""

import json

import pytest

from ganzoo.bench.published import PATH, published_rows, reported_columns
from ganzoo.errors import UserError


def test_table_1_of_the_paper():
    kinds = ("uncond", "cond", "ss", "ss_sbn")
    column = reported_columns({kind: f"cifar10/{kind}" for kind in kinds})[0]
    assert [column.numbers[kind].value for kind in kinds] == [19.73, 15.60, 17.11, 15.65]
    assert "best of 3 seeds" in column.source.protocol


def test_no_column_mixes_sources():
    columns = reported_columns({"ssgan": "cifar10/ss"})
    assert [column.numbers["ssgan"].value for column in columns] == [17.11, 14.65, 17.61]
    assert len({column.source for column in columns}) == 3


def test_what_could_not_be_read_again_is_marked():
    assert reported_columns({"row": "celebahq128/ss"})[0].source.from_memory


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="'cifar10/sss', of which there are none; did you mean 'cifar10/ss'"):
        reported_columns({"row": "cifar10/sss"})


def test_every_number_has_a_source_and_is_there_once():
    content = json.loads(PATH.read_text())
    keys = [(n["row"], n["source"]) for n in content["numbers"]]
    assert len(set(keys)) == len(keys)
    assert {source for _, source in keys} == set(content["sources"])
    assert set(published_rows()) == {row for row, _ in keys}

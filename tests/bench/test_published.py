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
    assert [column.numbers["ssgan"].text for column in columns] == [
        "17.11",
        "17.88 ± 0.64",
        "14.65 ± 0.04",
        "17.61 ± 0.14",
    ]
    assert len({column.source for column in columns}) == 4


def test_no_source_mixes_data_sets():
    content = json.loads(PATH.read_text())
    names = {source: set() for source in content["sources"]}
    for number in content["numbers"]:
        names[number["source"]].add(number["row"].partition("/")[0])
    # Table 1 has one protocol for three data sets, whose rows no grid mixes.
    assert names.pop("ssgan_table_1") == {"cifar10", "imagenet128", "lsun_bedroom"}
    assert all(len(data_sets) == 1 for data_sets in names.values())


def test_table_2_of_the_paper_is_of_one_d_step_or_two_under_either_regularizer():
    kinds = ("uncond_sn_d1", "ss_sn_d1", "uncond_gp1_d1", "ss_gp1_d1", "uncond_gp10_d2", "ss_gp10_d2")
    (column,) = reported_columns({kind: f"cifar10/{kind}" for kind in kinds})
    shown = [column.numbers[kind].text for kind in kinds]
    assert shown == [
        "87.86 ± 3.44",
        "19.65 ± 0.90",
        "121.05 ± 31.44",
        "25.80 ± 0.71",
        "29.11 ± 0.85",
        "27.74 ± 0.73",
    ]
    assert column.source.from_memory


@pytest.mark.parametrize(
    ("data_set", "block", "accuracies"),
    [
        ("cifar10", 3, ["0.776", "0.780", "0.752", "0.799"]),
        ("imagenet128", 5, ["0.074", "0.337", "0.195", "0.383"]),
    ],
)
def test_probes_of_the_papers_last_block_have_a_column_named_like_ours(data_set, block, accuracies):
    kinds = ("uncond", "cond", "rotation_only", "ss_sbn")
    columns = reported_columns({kind: f"{data_set}/{kind}" for kind in kinds})
    (column,) = (column for column in columns if column.source.metric == f"probe_block{block}")
    assert [column.numbers[kind].text for kind in kinds] == accuracies


def test_studiogans_conditional_gan_stands_beside_the_conditional_row():
    columns = reported_columns({"cond": "cifar10/cond"})
    (column,) = (column for column in columns if "StudioGAN" in column.source.citation)
    assert column.numbers["cond"].value == 9.01
    assert column.source.from_memory


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

"""The sample grid, pixel by pixel, and the curves, line by line."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from ganzoo.diagnostics import panels
from ganzoo.diagnostics.plots import make_grid, save_curves, save_grid
from ganzoo.metrics.density_coverage import density_coverage
from ganzoo.metrics.discriminator_memory import discriminator_memory
from ganzoo.metrics.precision_recall import precision_recall

METRICS = [precision_recall, density_coverage, discriminator_memory]
CHANCE = {"d/rotation/accuracy_real": 0.25, "g/rotation/accuracy_fake": 0.25}
ROWS = [
    {
        "step": step,
        "num_real_images": 64 * step,
        "d/loss": 2.0 / step,
        "g/loss": 1.0 / step,
        "d/logits_real": 0.5,
        "d/logits_fake": -0.5,
        "d/rotation/loss": 1.0,
        "d/rotation/accuracy_real": 0.8,
        "g/rotation/accuracy_fake": 0.6,
    }
    for step in (10, 20, 30)
] + [{"step": 30, "metric/fd_efflite0_64px": 42.0}]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *arguments: object, **options: object) -> None:
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def lines_of(figure: Figure) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Every panel's lines by label."""
    return {
        axes.get_title(loc="left").replace("\n", " "): {
            str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()
        }
        for axes in figure.axes
    }


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_stands_at_its_row_and_column_enlarged_by_a_whole_factor(tmp_path, channels):
    images = torch.randint(0, 256, (7, channels, 5, 4), dtype=torch.uint8)
    save_grid(images, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as file:
        picture = np.asarray(file)
    factor, columns = 54, 3  # 3 columns of 4 pixels: 640 / 12 = 53.3
    assert picture.shape[:2] == (3 * 5 * factor + 4, 3 * 4 * factor + 4)
    for i in range(7):
        for y in range(5):
            for x in range(4):
                top = (i // columns) * (5 * factor + 2) + y * factor
                left = (i % columns) * (4 * factor + 2) + x * factor
                block = picture[top : top + factor, left : left + factor].reshape(factor * factor, channels)
                assert (block == images[i, :, y, x].numpy()).all()


def test_everything_between_and_after_the_images_is_white():
    grid = make_grid(torch.zeros(3, 1, 320, 320, dtype=torch.uint8))
    assert grid.shape == (642, 642, 1)
    assert (grid[320:322] == 255).all()
    assert (grid[:, 320:322] == 255).all()
    assert (grid[322:, 322:] == 255).all()
    assert grid[:320, :320].max() == 0
    assert grid[322:, :320].max() == 0


def test_large_images_are_not_enlarged():
    assert make_grid(torch.zeros(64, 3, 128, 128, dtype=torch.uint8)).shape == (8 * 128 + 14, 8 * 128 + 14, 3)


def test_the_number_of_columns_can_be_chosen():
    assert make_grid(torch.zeros(6, 1, 100, 100, dtype=torch.uint8), num_columns=6).shape == (200, 1210, 1)


def test_curves_show_every_row_of_every_kind(tmp_path, drawn):
    save_curves(ROWS, tmp_path / "curves.png", title="tiny", chance=CHANCE)
    shown = lines_of(drawn[0])
    steps = [10, 20, 30]
    assert shown[panels.LOSSES] == {
        "D, total": (steps, [0.2, 0.1, 2.0 / 30]),
        "G, total": (steps, [0.1, 0.05, 1.0 / 30]),
        "D, rotation": (steps, [1.0] * 3),
    }
    assert shown[panels.LOGITS] == {"real": (steps, [0.5] * 3), "generated": (steps, [-0.5] * 3)}
    accuracies = shown[panels.ACCURACY]
    assert accuracies["rotation, real"] == (steps, [0.8] * 3)
    assert accuracies["rotation, generated"] == (steps, [0.6] * 3)
    assert accuracies["chance 0.25"][1] == [0.25, 0.25]
    assert next(iter(shown["fd_efflite0_64px"].values())) == ([30], [42.0])
    assert len(shown) == 4


def test_what_an_augmentation_reports_has_a_panel_of_its_own(tmp_path, drawn):
    rows = [{**row, "augment/p": row["step"] / 100, "augment/r_t": 0.5} for row in ROWS[:3]]
    save_curves(rows, tmp_path / "curves.png", title="tiny", chance=CHANCE)
    steps = [10, 20, 30]
    assert lines_of(drawn[0])[panels.AUGMENTATION] == {"p": (steps, [0.1, 0.2, 0.3]), "r_t": (steps, [0.5] * 3)}


def test_every_panel_names_its_unit_and_the_figure_its_run(tmp_path, drawn):
    save_curves(ROWS, tmp_path / "curves.png", title="tiny", chance=CHANCE)
    assert {axes.get_xlabel() for axes in drawn[0].axes} == {"generator updates"}
    assert drawn[0].get_suptitle() == "tiny"


def test_a_run_without_task_has_no_panel_of_accuracy(tmp_path, drawn):
    rows = [{k: v for k, v in row.items() if "rotation" not in k} for row in ROWS]
    save_curves(rows, tmp_path / "curves.png", title="baseline", chance={})
    assert set(lines_of(drawn[0])) == {panels.LOSSES, panels.LOGITS, "fd_efflite0_64px"}


@pytest.mark.parametrize("rows", [[], [{"step": 5, "d/loss": math.nan, "g/loss": 1.0}], ROWS])
def test_the_file_is_a_picture_whatever_the_rows(tmp_path, rows):
    save_curves(rows, tmp_path / "curves.png", title="t")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 800
        assert len(picture.convert("L").getcolors()) > 2  # something is drawn


def test_nothing_but_the_picture_is_left_in_the_folder(tmp_path: Path):
    save_grid(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), tmp_path / "new" / "grid.png")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["grid.png"]


def test_measurements_of_networks_and_shares_of_an_extractor_stand_together(tmp_path, drawn):
    layers = [f"sigma/discriminator.blocks.{i}.conv" for i in range(12)]
    rows = [
        {"step": 10, "d/grad_norm": 3.0, "g/grad_norm": 0.5} | {key: float(i + 1) for i, key in enumerate(layers)},
        {"step": 10, "health/d_logit_train": 1.0, "health/d_logit_held_out": 0.5, "health/d_logit_fake": -1.0},
        {"step": 10, "health/pairwise_distance": 0.9, "health/d_gap_share": 0.25, "health/normalized_sigma": 1.01},
        {
            "step": 10,
            "metric/precision_a": 0.5,
            "metric/recall_a": 0.4,
            "metric/density_a": 1.1,
            "metric/recall_b": 0.3,
        },
        {"step": 10, "metric/memory_present_fakes": 0.9, "metric/memory_earlier_fakes": 0.8},
    ]
    save_curves(rows, tmp_path / "curves.png", title="measured", metrics=METRICS)
    shown = lines_of(drawn[0])
    assert shown[panels.GRADIENTS] == {"D": ([10], [3.0]), "G": ([10], [0.5])}
    assert shown[panels.UNSEEN].keys() == {"training images", "held-out images", "generated"}
    assert shown[panels.DISTANCE]["real images"][1] == [1.0, 1.0]
    assert shown["shares, a"] == {"precision": ([10], [0.5]), "recall": ([10], [0.4]), "density": ([10], [1.1])}
    assert shown["shares, b"] == {"recall": ([10], [0.3])}
    assert shown["D's memory: accuracy"] == {"generated now": ([10], [0.9]), "generated earlier": ([10], [0.8])}
    assert {panels.GAP, panels.SIGMA_NORMALIZED} <= shown.keys()

    (sigma,) = [axes for axes in drawn[0].axes if axes.get_title(loc="left").endswith("layer of D")]
    assert [line.get_ydata()[0] for line in sigma.get_lines()] == list(range(1, 13))
    named = [text.get_text() for text in sigma.get_legend().get_texts()]
    assert named == [f"{i + 1}: blocks.{i}.conv" for i in (0, 4, 7, 11)]
    (scale,) = [axes for axes in drawn[0].axes if axes.get_ylabel() == "layer"]
    assert [text.get_text() for text in scale.get_yticklabels()] == ["1", "12"]


def test_the_frame_cuts_no_point_and_the_legend_hides_no_curve(tmp_path, drawn):
    rows = [
        {"step": step, "health/d_logit_train": 1.0, "d/rotation/accuracy_real": share, "metric/fd_toy": 300.0 + step}
        for step, share in ((0, 0.0), (20, 1.0))
    ]
    save_curves(rows, tmp_path / "curves.png", title="t", chance=CHANCE)
    for axes in drawn[0].axes:
        frame = axes.get_window_extent()
        for line in axes.get_lines():
            for point in (
                axes.transData.transform(np.asarray(line.get_xydata(), float)) if line.get_marker() == "o" else ()
            ):
                assert frame.x0 + 1 < point[0] < frame.x1 - 1
                assert frame.y0 + 1 < point[1] < frame.y1 - 1
        legend = axes.get_legend()
        assert legend is None or legend.get_window_extent().y1 < frame.y0


@pytest.mark.parametrize(("last", "ticks"), [(3, "0 1 2 3"), (20, "0 5 10 15 20"), (100_000, "0 20k 40k 60k 80k 100k")])
def test_updates_are_numbered_by_whole_numbers(tmp_path, drawn, last, ticks):
    save_curves([{"step": 1, "d/loss": 1.0}, {"step": last, "d/loss": 0.5}], tmp_path / "curves.png", title="t")
    (axes,) = drawn[0].axes
    labels = [t.get_text() for t, x in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True) if 0 <= x <= last]
    assert labels == ticks.split()


def test_curves_that_may_be_equal_have_dashes_of_their_own(tmp_path, drawn):
    rows = [{"step": 1, "d/a/accuracy_real": 0.5, "g/a/accuracy_fake": 0.5, "d/b/accuracy_real": 0.5, "d/loss": 1.0}]
    rows[0] |= {"g/loss": 1.0, "d/a/loss": 1.0, "d/logits_real": 0.0, "d/logits_fake": 0.0}
    save_curves(rows, tmp_path / "curves.png", title="t")
    for axes in drawn[0].axes:
        styles = [line.get_linestyle() for line in axes.get_lines()]
        assert len(set(styles)) == len(styles)


def test_a_metric_says_which_direction_is_better_where_that_is_known(tmp_path, drawn):
    rows = [{"step": 1, "metric/fd_toy": 1.0, "metric/recall_toy/test": 0.5, "metric/other": 1.0}]
    directions = {"fd_toy": False, "recall_toy": True}
    save_curves(rows, tmp_path / "curves.png", title="t", metrics=METRICS, higher_is_better=directions)
    shown = {axes.get_title(loc="left"): axes.get_ylabel() for axes in drawn[0].axes}
    assert shown == {"fd_toy": "lower is better", "shares, toy/test": "higher is better", "other": ""}


def test_numbers_of_several_splits_share_a_panel_for_each_split(tmp_path, drawn):
    rows = [{"step": 1, "metric/memory_present_fakes/train": 0.9, "metric/memory_earlier_fakes/train": 0.8}]
    save_curves(rows, tmp_path / "curves.png", title="t", metrics=METRICS)
    assert lines_of(drawn[0])["D's memory: accuracy/train"].keys() == {"generated now", "generated earlier"}


def test_a_value_of_zero_on_a_logarithmic_axis_is_no_harm(tmp_path):
    save_curves([{"step": 1, "d/grad_norm": 0.0, "g/grad_norm": 0.0}], tmp_path / "curves.png", title="t")

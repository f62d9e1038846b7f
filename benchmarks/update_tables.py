"""Make every generated table again: `python benchmarks/update_tables.py`. A test checks that this changes nothing.

A folder of results that has a proof gets `table.md`, as of `ganzoo table FOLDER --compute-matched`. In README.md and
the pages of docs/, the text between `<!-- table: benchmarks/results/GRID TABLES -->` and `<!-- end -->` becomes tables,
the first without its title. TABLES are names of `ganzoo.bench.text_tables.TABLES` with blanks between them, such as
`Results Tasks Cost`; without any it is `Results`. A last word such as `metrics=recall_pixels,probe_block3` leaves out
the other columns.
"""

import re
from collections.abc import Callable
from pathlib import Path

from ganzoo.bench.analysis import build_table
from ganzoo.bench.formats import markdown, markdown_summary
from ganzoo.bench.results import PROOF, read_results

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- table: (\S+)((?: \w+)*)(?: metrics=(\S+))? -->\n).*?(<!-- end -->)", re.DOTALL)


def generated(root: Path) -> dict[Path, str]:
    """Return every generated file with the text that it should have.

    Args:
        root: of the repository.

    Raises:
        UserError: results that make no table, or a block that names none, or no such table.
    """
    files = {
        proof.parent / "table.md": markdown(build_table(read_results(proof.parent), is_compute_matched=True))
        for proof in sorted(root.glob(f"benchmarks/results/*/{PROOF}"))
    }
    for page in [root / "README.md", *sorted(root.glob("docs/*.md"))]:
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        if BLOCK.search(text):
            files[page] = BLOCK.sub(_filled(root), text)
    return files


def _filled(root: Path) -> Callable[[re.Match[str]], str]:
    def fill(match: re.Match[str]) -> str:
        metrics = match[4].split(",") if match[4] else ()
        table = build_table(read_results(root / match[2]), metrics=metrics, is_compute_matched=True)
        return f"{match[1]}{markdown_summary(table, match[3].split() or ['Results'])}{match[5]}"

    return fill


if __name__ == "__main__":
    for path, text in generated(ROOT).items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))

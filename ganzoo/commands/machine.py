"""`ganzoo doctor`: what is installed on this machine."""

from ganzoo.commands.options import DataDir
from ganzoo.commands.terminal import print_table, say


def doctor(data_dir: DataDir = None) -> None:
    """Show the devices, data, extractors and plugins there are.

    Examples:
      ganzoo doctor
      ganzoo doctor --data-dir ~/data
    """
    from ganzoo.runs import doctor as findings

    sections = {
        "versions": findings.versions(),
        "devices": findings.devices(),
        "data sets": findings.data_sets(data_dir),
        "feature extractors": findings.extractors(),
        "plugins": findings.plugins(),
    }
    for title, found in sections.items():
        print_table(("", ""), list(found) or [("none", "")], title=f"{title}:")
        say("")

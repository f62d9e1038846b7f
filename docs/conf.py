"""The documentation: `sphinx-build -W -b html docs site`."""

import sys
from pathlib import Path

import ganzoo

sys.path.insert(0, str(Path(__file__).parent))
from make_gallery import pages, write_pages

write_pages(Path(__file__).parent / "gallery", pages())

project = "ganzoo"
author = "the ganzoo developers"
release = ganzoo.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
default_role = "code"
exclude_patterns = ["gallery_templates"]
html_theme = "furo"
html_title = "ganzoo"
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_numpy_docstring = False
suppress_warnings = ["ref.python"]  # a name that several contracts share, such as `forward`

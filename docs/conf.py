"""The documentation site, `make docs`. The repository is its source, so that the links work here as on GitHub."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from platepost.version import __version__  # noqa: E402 - the paths come first

project = "Platepost"
copyright = "the Platepost founders, Apache-2.0"  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click", "site_checks"]
default_role = "code"  # as docstrings here use it
root_doc = "docs/index"
include_patterns = ["docs/**.md", "*.md", "models/*.md", "examples/README.md", "simulator/*/*.md"]
exclude_patterns = ["build", ".venv", "**/node_modules"]
smartquotes = False  # two hyphens of an option stay two

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4

autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = f"Platepost {version}"
html_copy_source = False
html_show_sphinx = False

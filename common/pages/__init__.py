"""What all pages and reports share: `design.css`, one sheet of styles for everything that a browser shows."""

from pathlib import Path

PAGES = Path(__file__).parent / "assets"
"""Its folder, for a template loader or a server of static files."""

"""From a department's exports to a signed, sealed hot-list package."""

from provisioning.hotlist.build import build_package
from provisioning.hotlist.rows import HotListRow, RefusedRow

__all__ = ["HotListRow", "RefusedRow", "build_package"]

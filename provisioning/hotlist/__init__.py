"""From a department's exports to a signed, sealed hot-list package."""

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import HotListRow, RefusedRow

__all__ = ["HotListRow", "RefusedRow", "build_package"]

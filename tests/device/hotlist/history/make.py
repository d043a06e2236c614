"""Make the hot-list folder that a post of this version leaves: `python -m tests.device.hotlist.history.make NAME`.

Run it before a release that changes what a post keeps on disk, and commit the folder that it makes beside this file:
today's software must load them all, for ever. Keys and plates are invented.
"""

import sys
from pathlib import Path

from platepost.provisioning.hotlist.rows import HotListRow
from tests.device.hotlist.department import Department

NEW = HotListRow("5NEW001", "felony_vehicle", 1, "NV", None, "NEWS-1")


def fill(folder: Path) -> None:
    """Leave a complete list, a delta to it, a delta to that delta; and the keys that they are opened with."""
    department = Department()
    rows = [*department.rows, HotListRow("7COV001", "felony_vehicle", 1, distribution="task_force")]
    rows.append(HotListRow("7OWN001", "local", 9, safe=True))
    complete = department.package(rows, version=1, patterns=[department.pattern("6XY*")])
    first = department.delta(complete, version=2, add=[NEW])
    second = department.delta(complete, base=first, version=3, remove=rows[:1])
    store = department.store(folder)
    for package in (complete, first, second):
        store.install(package, at=department.built)
    (folder / "issuer.pem").write_bytes(department.issuer_key)
    (folder / "post.pem").write_bytes(department.unseal_key)


def main() -> None:
    """Write the folder NAME beside this file."""
    folder = Path(__file__).with_name(sys.argv[1])
    fill(folder)
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()

"""What a post's memory holds of a hot list: before it, with it, and after look-ups all over it.

A process of its own loads the list, as a post does at its start. What it holds is its resident set; the difference to
before the list is what the list costs. What the system caches of the list's file is not in it.

::

    python benchmarks/hotlist_memory.py                      a million entries
    python benchmarks/hotlist_memory.py 5000000
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter

from hotlist_lookup import rows, serials

from device.hotlist import HotListStore
from provisioning.hotlist import build_package
from provisioning.trust.keys import new_key, private_pem, public_pem

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
LOOK_UPS = 400_000


def held() -> tuple[float, float]:
    """Return the resident set now, and the most that it ever was, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    now, most = (int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) for name in ("VmRSS", "VmHWM"))
    return now * 1024 / 1e6, most * 1024 / 1e6


def post(folder: Path, entries: int, look_ups: int) -> None:
    """Be the post: load the list and look up, and print what is held at each step."""
    store = HotListStore(
        folder / "lists",
        agency="demo",
        issuer_key=(folder / "issuer.pem").read_bytes(),
        unseal_key=(folder / "post.pem").read_bytes(),
    )
    before, _ = held()
    print(f"{'before the list':<34}{before:8.1f} MB")
    begin = perf_counter()
    hotlist = store.load()
    if hotlist is None:
        raise SystemExit("the list does not load")
    say = _Say(before)
    say(f"loaded, in {perf_counter() - begin:.1f} s")
    for what, plates in (
        ("after look-ups of plates not listed", (f"Z{serial}" for serial in serials(look_ups, 3))),
        ("after look-ups of listed plates", _spread(entries)),
    ):
        for plate in plates:
            hotlist.match(plate, at=BUILT)
        say(what)


class _Say:
    def __init__(self, before: float) -> None:
        self._before = before

    def __call__(self, what: str) -> None:
        now, most = held()
        print(f"{what:<38}{now:8.1f} MB   the list {now - self._before:8.1f} MB   most ever {most:8.1f} MB")


def _spread(entries: int) -> Iterator[str]:
    """Yield listed plates: far more hits than a post has in its life."""
    return islice(serials(entries, 1), 0, 5000)


def main() -> None:
    """Build a list, then be a post that holds it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("entries", type=int, nargs="?", default=1_000_000)
    options.add_argument("--look-ups", type=int, default=LOOK_UPS, help=f"plates not listed; {LOOK_UPS:,} by default")
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.folder is not None:
        post(given.folder, given.entries, given.look_ups)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        issuer, own = new_key(), new_key()
        (folder / "issuer.pem").write_bytes(public_pem(issuer))
        (folder / "post.pem").write_bytes(private_pem(own))
        package = build_package(
            rows(given.entries),
            agency="demo",
            issuer="benchmark",
            version=1,
            signing_key=private_pem(issuer),
            post_keys=[public_pem(own)],
            built=BUILT,
        )
        print(f"package of {given.entries:,} entries: {len(package) / 1e6:.1f} MB")
        (folder / "lists").mkdir()
        (folder / "lists" / f"hotlist-{1:016d}.package").write_bytes(package)
        del package
        again = [sys.executable, __file__, str(given.entries), "--look-ups", str(given.look_ups), "--folder", name]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()

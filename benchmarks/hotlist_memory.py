"""What a hot list takes of a post's memory: when it is loaded, after look-ups all over it, and while it is replaced.

A process of its own loads the list, as a post does at its start, and takes the next one from a file, as a post does
that has put together its parts. What it holds is its resident set; the difference to before is what the list takes.

::

    python benchmarks/hotlist_memory.py                      a million entries
    python benchmarks/hotlist_memory.py 5000000
"""

import argparse
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from time import perf_counter

from hotlist_lookup import rows, serials

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotListStore
from platepost.wire.hotlist.package import PackageFile
from platepost.wire.records import Signer

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
LOOK_UPS = 400_000
HITS = 5000
"""Look-ups of listed plates: far more than a post has in its life."""


def held(name: str = "VmRSS") -> float:
    """Return the resident set, or with `VmHWM` the most that it was since `forget_peak`, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 / 1e6


def forget_peak() -> None:
    """Have the kernel start over measuring the most memory held (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def post(folder: Path, entries: int, look_ups: int) -> None:
    """Be the post: load the list, look up, replace it, and print what is held at each step."""
    store = HotListStore(
        folder / "lists",
        agency="demo",
        issuer_key=(folder / "issuer.pem").read_bytes(),
        unseal_key=(folder / "post.pem").read_bytes(),
    )
    Signer.from_file(folder / "post.pem").sign(b"a record")  # as every post does, with or without a list
    without = held()
    print(f"{'without a list':<38}{without:8.1f} MB")
    begin = perf_counter()
    forget_peak()
    if store.load() is None:
        raise SystemExit("the list does not load")
    print(f"{'loaded':<38}{held() - without:8.1f} MB more, at most {held('VmHWM') - without:.1f},", end=" ")
    print(f"in {perf_counter() - begin:.1f} s")
    for plate in chain((f"Z{serial}" for serial in serials(look_ups, 3)), islice(serials(entries, 1), HITS)):
        store.current.match(plate, at=BUILT)
    listed = held() - without
    print(f"{'after look-ups':<38}{listed:8.1f} MB more")
    begin = perf_counter()
    forget_peak()
    with (folder / "next.package").open("rb") as file:
        store.install(PackageFile(file.fileno()), at=BUILT)
    peak = held("VmHWM") - without
    print(f"{'while it is replaced':<38}{peak:8.1f} MB more at most, {peak / listed:.2f} times,", end=" ")
    print(f"in {perf_counter() - begin:.1f} s")
    print(f"{'replaced':<38}{held() - without:8.1f} MB more")


def main() -> None:
    """Build a list and the next one, then be a post that holds them."""
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
        (folder / "lists").mkdir()
        paths = (folder / "lists" / f"hotlist-{1:016d}.package", folder / "next.package")
        for version, path in enumerate(paths, start=1):
            package = build_package(
                rows(given.entries),
                agency="demo",
                issuer="benchmark",
                version=version,
                signing_key=private_pem(issuer),
                post_keys=[public_pem(own)],
                built=BUILT,
            )
            path.write_bytes(package)
        print(f"packages of {given.entries:,} entries, {len(package) / 1e6:.1f} MB each")
        del package
        again = [sys.executable, __file__, str(given.entries), "--look-ups", str(given.look_ups), "--folder", name]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()

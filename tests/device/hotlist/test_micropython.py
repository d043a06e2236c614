import random
import shutil
import subprocess
from pathlib import Path

import pytest

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import bloom
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import plate_key
from platepost.wire.hotlist.layout import decode
from platepost.wire.hotlist.package import load_key, open_package
from tests.device.hotlist.department import Department

MICROPYTHON = shutil.which("micropython")
PROGRAM = Path(__file__).with_name("micropython_lookup.py")
HEAP_KIB = 32
"""All that MicroPython gets, a quarter of the filter; its words here are twice as wide as a microcontroller's."""

pytestmark = pytest.mark.skipif(MICROPYTHON is None, reason="micropython is missing: make tools")


# The promise of 1e-9 lets nothing through here: the second list makes probes differ in every one of their steps.
@pytest.mark.parametrize(("rate", "most", "least"), [(1e-9, 0, 0), (0.02, 300, 10)])
def test_micropython_gives_every_answer_that_cpython_gives_over_the_same_bytes(
    department: Department, tmp_path: Path, rate: float, most: int, least: int
) -> None:
    listed = [f"{number:07d}" for number in range(20_000)]
    package = department.package([HotListRow(plate, "local", 5) for plate in listed], false_positive_rate=rate)
    issuer_key = load_key(department.issuer_key, private=False)
    opened = open_package(package, issuer_key=issuer_key, unseal_key=load_key(department.unseal_key, private=True))
    header, columns = decode(opened.body)
    shape = header.filter.log2_bits, header.filter.probes
    draw = random.Random(7)
    absent = ["".join(draw.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=8)) for _ in range(12_000)]
    keys = [plate_key(plate) for plate in [*draw.sample(listed, 2000), *absent]]

    (tmp_path / "filter").write_bytes(columns["filter"])
    (tmp_path / "bloom.py").symlink_to(str(bloom.__file__))
    command = [str(MICROPYTHON), "-X", f"heapsize={HEAP_KIB}K", str(PROGRAM), str(tmp_path), str(tmp_path / "filter")]
    run = subprocess.run(
        [*command, *map(str, shape), header.hash_key],
        input="\n".join(keys),
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-1000:] + run.stderr
    answers, in_use = run.stdout.split()

    plate_hash = PlateHash(bytes.fromhex(header.hash_key))
    expected = [bloom.contains(columns["filter"], *shape, plate_hash.digest(key)) for key in keys]
    assert [answer == "1" for answer in answers] == expected
    assert all(expected[:2000])
    assert least <= sum(expected[2000:]) <= most
    assert int(in_use) < HEAP_KIB * 1024 / 2

import subprocess
import sys
from pathlib import Path

from platepost.simulator.brokers.daemon import free_port

DRAW = """
import sys
from pathlib import Path
from platepost.simulator.brokers.daemon import free_port
print(*(free_port(outgoing=Path(sys.argv[1])) for _ in range(20)))
"""


def test_a_free_port_is_none_that_outgoing_connections_get(tmp_path: Path) -> None:
    ranges = tmp_path / "range"
    ranges.write_text("20000\t60999\n")
    assert all(10240 <= free_port(outgoing=ranges) < 20000 for _ in range(50))


def test_no_port_is_given_twice_though_nobody_listens_there_yet(tmp_path: Path) -> None:
    """Nor by another process: of these 164 ports, forty drawn without reservations are hardly ever all different."""
    ranges = tmp_path / "range"
    ranges.write_text("10404\t60999\n")
    own = [free_port(outgoing=ranges) for _ in range(20)]
    made = subprocess.run(
        [sys.executable, "-c", DRAW, str(ranges)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert len({*own, *map(int, made.split())}) == 40


def test_where_outgoing_connections_may_get_any_port_it_is_one_that_is_free(tmp_path: Path) -> None:
    ranges = tmp_path / "range"
    ranges.write_text("1024\t65535\n")
    assert free_port(outgoing=ranges) >= 1024

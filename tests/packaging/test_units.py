"""The unit files, judged by systemd's own tools; no systemd need be running."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from annotated_types import Le

from platepost.device.uplink.settings import UplinkSettings

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
MOST_EXPOSED = 1.5

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: make tools"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_the_service_is_exposed_no_further_than_it_must_be() -> None:
    found = analyze("security", "--offline=true", "--no-pager", str(UNITS / "platepost.service"))
    score = re.search(r"Overall exposure level for platepost\.service: ([\d.]+)", found.stdout)
    assert score is not None, found.stderr
    print(f"\nexposure of platepost.service by systemd-analyze security: {score[1]}")  # noqa: T201 - the figure is wanted
    assert float(score[1]) <= MOST_EXPOSED


ONE_OF_SEVERAL = "platepost@.service"


def one_of_several() -> str:
    """Return the unit of one of several posts, as the package's rules make it."""
    made = ["sed", "-f", UNITS / "platepost@.sed", UNITS / "platepost.service"]
    return subprocess.run(made, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", [*sorted(path.name for path in UNITS.glob("platepost*[!d]")), ONE_OF_SEVERAL])
def test_every_line_of_the_units_is_understood(name: str, tmp_path: Path) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in UNITS.glob("platepost*[!d]")}
    texts[ONE_OF_SEVERAL] = one_of_several()
    for unit, text in texts.items():
        # What the unit starts is not installed here.
        here = re.sub(r"/usr/(bin/platepost|lib/platepost/[a-z]+)", "/bin/true", text)
        (tmp_path / unit).write_text(here, encoding="utf-8")
    found = analyze("verify", "--man=no", "--recursive-errors=no", str(tmp_path / name))
    assert found.returncode == 0, found.stderr
    assert name not in found.stderr, found.stderr


@pytest.mark.parametrize("patience", ["WatchdogSec", "TimeoutStopSec"])
def test_a_post_may_deliver_as_long_as_it_is_told_before_it_is_killed(patience: str) -> None:
    text = (UNITS / "platepost.service").read_text(encoding="utf-8")
    found = re.search(rf"^{patience}=(\d+)$", text, re.MULTILINE)
    (most,) = (bound.le for bound in UplinkSettings.model_fields["drain_seconds"].metadata if isinstance(bound, Le))
    assert found is not None
    # The camera is closed before, which feeds no watchdog either, and the connection after: some seconds each.
    assert most + 20 <= int(found[1])


def test_one_of_several_posts_has_nothing_of_another() -> None:
    alone = (UNITS / "platepost.service").read_text(encoding="utf-8").splitlines()
    lines = one_of_several().splitlines()
    own = [line for line in lines if line not in alone and not line.startswith(("#", "PartOf=", "WantedBy="))]
    assert all("%i" in line for line in own)
    shared = [line for line in lines if line in alone]
    assert not [line for line in shared if re.search(r"/(etc|var/lib|run)/platepost", line)]
    assert not [line for line in shared if re.match(r"(State|Runtime)Directory=", line)]
    assert len(lines) == len(alone) + 1, "the same sandbox and limits"


@pytest.mark.parametrize("text", [(UNITS / "platepost.service").read_text(encoding="utf-8"), one_of_several()])
def test_what_the_service_can_write_it_cannot_execute(text: str) -> None:
    """A folder above them in NoExecPaths= makes all of it writable again, and not what it is for (systemd 257)."""
    found = dict(re.findall(r"^(NoExecPaths|StateDirectory|RuntimeDirectory)=(.*)$", text, re.MULTILINE))
    writable = {f"/var/lib/{found['StateDirectory']}", f"/run/{found['RuntimeDirectory']}"} | {"/tmp", "/var/tmp"}  # noqa: S108
    closed = set(found["NoExecPaths"].split())
    assert writable <= closed
    assert not {str(parent) for path in writable for parent in Path(path).parents} & closed


def test_nothing_of_the_service_is_swapped() -> None:
    assert "\nMemorySwapMax=0\n" in (UNITS / "platepost.service").read_text(encoding="utf-8")


def test_a_recording_may_give_way_to_all_else() -> None:
    text = (UNITS / "platepost.service").read_text(encoding="utf-8")
    assert text.index("\nSystemCallFilter=~@privileged @resources\n") < text.index("\nSystemCallFilter=setpriority\n")


def test_the_service_has_no_door() -> None:
    text = (UNITS / "platepost.service").read_text(encoding="utf-8")
    assert "\nSystemCallFilter=~listen accept accept4\n" in text
    assert "\nCapabilityBoundingSet=\n" in text
    assert "\nProtectSystem=strict\n" in text
    assert not list(UNITS.glob("*.socket"))


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-tmpfiles") is None, reason="root is missing: run the tests as root"
)
def test_another_system_that_numbers_the_user_otherwise_finds_its_files(tmp_path: Path) -> None:
    before, now, settings = 995, 990, "usr/lib/tmpfiles.d/platepost.conf"
    state, configuration = tmp_path / "var/lib/platepost", tmp_path / "etc/platepost"
    for folder in (state / "outbox", configuration / "keys", (tmp_path / settings).parent):
        folder.mkdir(parents=True)
    shutil.copy(UNITS.parents[1] / "debian/platepost.tmpfiles", tmp_path / settings)
    (tmp_path / "etc/passwd").write_text(f"root:x:0:0::/:\nplatepost:x:{now}:{now}::/:\n", "utf-8")
    (tmp_path / "etc/group").write_text(f"root:x:0:\nplatepost:x:{now}:\n", "utf-8")
    kept, read, key = state / "outbox/records.db", configuration / "post.toml", configuration / "keys/key.pem"
    for path, mode in ((kept, 0o600), (read, 0o640), (key, 0o600)):
        path.touch(mode)
    for path in (state, kept.parent, kept):
        os.chown(path, before, before)
    for path in (configuration, read):
        os.chown(path, 0, before)
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create", Path(settings).name], check=True)
    found = {path: (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) for path in (kept, read, key)}
    assert found == {kept: (now, now, 0o600), read: (0, now, 0o640), key: (0, 0, 0o600)}
    assert (configuration / "state").readlink() == Path("/var/lib/platepost")
    assert (tmp_path / "var/lib/rauc").is_dir(), "RAUC needs it, and no package of Debian makes it"


def test_a_death_in_the_tenth_month_costs_no_minutes_of_the_road() -> None:
    """Systemd never begins again with its pauses, however long the post ran well in between (systemd/systemd#43813)."""
    text = (UNITS / "platepost.service").read_text(encoding="utf-8")
    pauses = {name: int(seconds) for name, seconds in re.findall(r"^(Restart\w+Sec)=(\d+)$", text, re.MULTILINE)}
    assert max(pauses.values()) <= 30

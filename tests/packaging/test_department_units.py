"""The unit files of a department, judged by systemd's own tools."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "packaging" / "department").glob("*.service"))
MOST_EXPOSED = 2.5

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: make tools"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_service_is_exposed_no_further_than_it_must_be(unit: Path) -> None:
    found = analyze("security", "--offline=true", "--no-pager", str(unit))
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", found.stdout)
    assert score is not None, found.stderr
    assert float(score[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("name", [unit.name for unit in UNITS])
def test_every_line_is_understood(name: str, tmp_path: Path) -> None:
    for unit in UNITS:
        # What the unit starts is not installed here.
        text = unit.read_text(encoding="utf-8").replace("ExecStart=platepost ", "ExecStart=/bin/true ")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    found = analyze("verify", "--man=no", "--recursive-errors=no", str(tmp_path / name))
    assert found.returncode == 0, found.stderr
    assert name not in found.stderr, found.stderr


def test_pages_do_not_see_the_keys() -> None:
    (pages,) = [unit for unit in UNITS if "pages" in unit.name]
    names = ("identity", "webhook-key", "webhook-client")
    closed = f"InaccessiblePaths={' '.join(f'-/var/lib/platepost-department/{name}' for name in names)}"
    assert closed in pages.read_text(encoding="utf-8").splitlines()


def test_rules_against_misuse_alone_reach_the_key_of_households() -> None:
    closed = "\nInaccessiblePaths=-/var/lib/platepost-department/household-key\n"
    assert {unit.name for unit in UNITS if closed not in unit.read_text("utf-8")} == {
        "platepost-department-misuse.service"
    }


def test_database_may_give_its_socket_to_the_programs() -> None:
    (database,) = [unit for unit in UNITS if "database" in unit.name]
    text = database.read_text(encoding="utf-8")
    assert text.index("\nSystemCallFilter=~@privileged\n") < text.index("\nSystemCallFilter=@chown\n")


def test_database_is_on_no_network() -> None:
    (database,) = [unit for unit in UNITS if "database" in unit.name]
    assert "\nPrivateNetwork=yes\n" in database.read_text(encoding="utf-8")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_unit_leaves_the_department_s_folder_to_its_owners(unit: Path) -> None:
    assert not re.search(r"^\w+Directory=.*\bplatepost-department\b", unit.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_root_is_not_named_as_a_unit_s_user(unit: Path) -> None:
    # It is the default. Where it is named, systemd 257 takes CAP_SETUID from it with NoNewPrivileges.
    assert "\nUser=root\n" not in unit.read_text(encoding="utf-8")


def test_report_of_a_trial_replaces_the_former_once_it_ended(tmp_path: Path) -> None:
    text = (UNITS[0].parent / "platepost-department-restore-test.service").read_text("utf-8").replace("\\\n", "")
    (line,) = re.findall("^ExecStart=(.*)$", text, re.MULTILINE)
    report, trial = tmp_path / "restore-test.json", tmp_path / "platepost"
    report.write_text('{"intact": true}')
    trial.write_text(
        f'#!/bin/sh\ngrep -q true {report} && test -r "$6" && echo \'{{"intact": false}}\'\nexit 1\n', encoding="utf-8"
    )
    trial.chmod(0o755)
    (tmp_path / "backup-key").write_text("of age")
    command = line.replace("platepost department", f"{trial} department").replace("/mnt/backups", str(tmp_path))
    done = subprocess.run(
        shlex.split(command.replace("$$", "$")), env=os.environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)}, check=False
    )
    assert done.returncode == 1
    assert json.loads(report.read_text()) == {"intact": False}
    assert report.stat().st_uid == os.geteuid()


ALONE = """
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user
/lib/systemd/systemd --user --unit=basic.target &
for _ in $(seq 100); do systemctl --user is-active --quiet basic.target && break; sleep 0.1; done
systemctl --user is-active --quiet basic.target || exit 77
systemctl --user enable "$@"
systemctl --user start "$@" && echo started without a database
for unit in "$@"; do until systemctl --user is-active --quiet "$unit"; do sleep 0.2; done; echo "$unit"; done
systemctl --user exit
wait
"""
"""What a service manager of its own does, where no one else sees its /run."""


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="root is missing: run the tests as root"
)
def test_services_start_once_the_database_does_though_it_failed_before(tmp_path: Path) -> None:
    units = tmp_path / "systemd" / "user"
    units.mkdir(parents=True)
    starts = f"/bin/sh -c 'sleep 1; test -e {tmp_path}/again || {{ touch {tmp_path}/again; exit 1; }}'"
    services = []
    for unit in UNITS:
        before, _, rest = unit.read_text("utf-8").partition("[Service]")
        _, installed, after = rest.partition("[Install]")
        is_database = unit.name == "platepost-department-database.service"
        does = f"ExecStartPre={starts}\nRestart=on-failure\n" if is_database else ""
        if installed and not is_database:
            services.append(unit.name)
        kept = "".join(line for line in before.splitlines(keepends=True) if not line.startswith("Condition"))
        (units / unit.name).write_text(f"{kept}[Service]\n{does}ExecStart=/bin/sleep 60\n{installed}{after}", "utf-8")
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": "/run/user", "XDG_CONFIG_HOME": str(tmp_path)}
    alone = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        ALONE,
        "sh",
        *services,
    ]
    done = subprocess.run(alone, env=environment, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 77:
        pytest.skip("no service manager can be run here: it may make no control groups")
    assert len(services) == 7
    assert done.stdout.split() == services, done.stderr

"""The compose file of a department: the programs, users, and confinement of its systemd units."""

import re
from pathlib import Path
from typing import Any

import pytest

from platepost.department.database.users import SERVER, USERS

yaml = pytest.importorskip("yaml", reason="pyyaml is missing: pip install pyyaml")
PACKAGING = Path(__file__).parents[2] / "packaging"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((PACKAGING / "compose/compose.yaml").read_text())["services"]
UNITS = {name: PACKAGING / f"department/platepost-department-{name}.service" for name in SERVICES}
PROGRAMS = [name for name, unit in UNITS.items() if unit.exists()]


@pytest.mark.parametrize("name", SERVICES)
def test_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert ("cap_add" in service) == (name in {"setup", "nightly"})
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []) if name != "broker")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_is_that_of_the_unit(name: str) -> None:
    unit = dict(re.findall(r"^(ExecStart|User|KillSignal)=(.+)$", UNITS[name].read_text(), re.MULTILINE))
    service = SERVICES[name]
    assert unit["ExecStart"] in " ".join(service["command"])
    assert service.get("user", "root") == unit.get("User", "root")
    assert service.get("stop_signal") == unit.get("KillSignal")


def test_image_has_every_user_by_number() -> None:
    text = (PACKAGING / "compose/Containerfile").read_text()
    made = re.search(r"for program in ([a-z ]+);", text)
    assert made is not None
    sysusers = (PACKAGING / "department/sysusers.conf").read_text()
    assert [f"platepost-{name}" for name in made[1].split()] == re.findall(r"^u (\S+)", sysusers, re.MULTILINE)
    assert {SERVER, *USERS} <= {*re.findall(r"^u (\S+)", sysusers, re.MULTILINE)}

"""Records go out for court, and everything to another department, by the commands that a person gives."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from platepost.department.database.roles import AUDITOR, OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.session import running_database
from platepost.device.cli import platepost
from platepost.wire.records.receipt import KeptRange
from tests.browser import report_faults
from tests.department.commands.filled import fleet_post, keep
from tests.department.commands.installation import (
    CURRENT,
    Commands,
    Installed,
    department,
    give_apps,
    next_code,
)

__all__ = ["department"]
pytestmark = pytest.mark.end_to_end
USER = pwd.getpwuid(os.getuid()).pw_name


REQUEST = (
    "INSERT INTO sharing_request (kind, requester, says, order_number, received_on, due_on, person)"
    " VALUES ('subpoena', 'M. Stone', 'a read', 'CV-9', current_date, current_date, 'b.lee')"
)


def entries(folder: DepartmentFolder, event: str) -> list[dict[str, object]]:
    with psycopg.connect(folder.conninfo(AUDITOR)) as auditor:
        matches = auditor.execute(
            "SELECT json_object_agg(field, value::json) FROM ledger_entry JOIN ledger_body USING (entry)"
            " WHERE event = %s GROUP BY number ORDER BY number",
            [event],
        ).fetchall()
    return [fields for (fields,) in matches]


@pytest.fixture(scope="module")
def stocked(department: Commands) -> DepartmentFolder:
    """Give the department's folder, in which ten records of its post are kept and receipted."""
    folder, post = DepartmentFolder(department.folder), fleet_post(department)
    created = [post.read() for _ in range(10)]
    span = KeptRange(first=1, last=10, digest=created[-1].digest)
    receipt = {"post": "post-1", "chain": created[0].event["chain"], "epoch": 1, "number": 1}
    folder.receipts.write_text(json.dumps({**receipt, "ranges": [[span.first, span.last, span.digest]]}) + "\n")
    with running_database(folder):
        keep(folder, created)
    return folder


@pytest.fixture(scope="module")
def before_people(department: Commands, stocked: DepartmentFolder, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Add two people, and return what an export printed before."""
    to = tmp_path_factory.mktemp("before")
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    (to / "public.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    export = ("export", to / "none", "--record", "2", "--to", to / "public.pem")
    with running_database(stocked):
        refused = department(*export, "--purpose", "criminal investigation", "--case", "26-00417")
        for login in (USER, "b.lee"):
            department("person add", login, "--name", login, "--role", "records_manager")
        with psycopg.connect(stocked.conninfo(OWNER)) as owner:
            owner.execute(CURRENT)
        give_apps(stocked)
    return refused.stderr


def test_evidence_is_exported_proved_and_booked(
    department: Commands, stocked: DepartmentFolder, before_people: str, tmp_path: Path
) -> None:
    assert "No one has this username" in before_people
    folder, fleet = stocked, department.folder.parent / "fleet"
    key = ec.generate_private_key(ec.SECP256R1())
    public, private = tmp_path / "public.pem", tmp_path / "private.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    why = ("--purpose", "criminal investigation", "--case", "26-00417")
    sealed = tmp_path / "26-00417.evidence"

    def exporting(name: str, *arguments: Any) -> Any:
        return department(name, *arguments, given=next_code(folder))

    with running_database(folder):
        posing = department("export", tmp_path / "none", "--record", "2", "--to", public, *why, given="000000\n",
                            LOGNAME="b.lee")  # fmt: skip
        assert "code is wrong" in posing.stderr
        assert [fields["person"] for fields in entries(folder, "log_on_failed")] == [USER], "whoever LOGNAME names"
        both = ("--record", "2", "--record", "5")
        exported = department.json("export", sealed, *both, "--to", public, *why, given=next_code(folder))
        refused = exporting("export", tmp_path / "none", "--record", "999", "--to", public, *why)
        assert (refused.returncode, (tmp_path / "none").exists()) == (1, False)
        stranger = exporting("export", tmp_path / "none", "--record", "2", "--to", public, *why, "--group", "vice")
        assert "is not in the covert group vice" in stranger.stderr
        booking = ("--receipt", "DA-118", "--medium", "USB stick 17", "--by", "M. Stone")
        booked = department.json("book", sealed, *booking)
        (tmp_path / "another").write_bytes(sealed.read_bytes()[:-1])
        assert "was not exported here" in department("book", tmp_path / "another", *booking).stderr
        release = ("export", tmp_path / "released", "--request", "1", "--record", "2", "--to", public, *why)
        assert "has not granted this request" in exporting(*release).stderr
        with psycopg.connect(folder.conninfo(OWNER)) as owner:
            owner.execute(REQUEST)
            owner.execute("UPDATE sharing_request SET decision = 'granted', because = 'ordered', decided_by = 'b.lee',"
                          " decided_at = now()")  # fmt: skip
        (tmp_path / "stick").write_bytes(b"")  # no folder: nothing is mounted there
        unwritten = exporting(release[0], tmp_path / "stick" / "released", *release[2:])
        assert (unwritten.returncode, entries(folder, "released")) == (1, []), "the one package has not gone"
        released = department.json(*release, given=next_code(folder))
        assert exporting(*release).returncode == 1
        (fields,) = entries(folder, "released")
        assert (fields["digest"], fields["count"]) == (released["sha256"], 1)
        fields, _ = entries(folder, "exported")
        assert (fields["what"], fields["digest"], fields["records"]) == (
            exported["package"],
            exported["sha256"],
            [2, 5],
        )
        (fields,) = entries(folder, "evidence_booked")
        assert (fields["what"], fields["digest"], fields["receipt"]) == (
            exported["package"],
            exported["sha256"],
            "DA-118",
        )
        assert booked["case"] == "26-00417"

    keys = ["--key", str(fleet / "custody" / "records" / "verifying_key.pem")]
    keys += ["--key", str(fleet / "configuration" / "verifying_key.pem")]
    prove = ["department", "verify-package", str(sealed), *keys, "--json"]
    assert CliRunner().invoke(platepost, prove).exit_code == 1, "it is sealed"
    opening = [*prove, "--open-with", str(private), "--into", str(tmp_path / "opened")]
    proved = CliRunner().invoke(platepost, opening)
    assert proved.exit_code == 0, proved.output
    report = json.loads(proved.stdout)
    assert (report["intact"], report["linked"], report["receipted"], report["notes"]) == (True, 8, 2, [])
    assert "Evidence package" in (tmp_path / "opened" / "index.html").read_text()
    assert report_faults(tmp_path / "opened" / "index.html") == []
    package = tmp_path / "opened" / "evidence.zip"
    again = CliRunner().invoke(platepost, ["verify", str(package), *keys])
    assert (again.exit_code, "nothing was changed" in again.output) == (0, True), again.output
    package.write_bytes(package.read_bytes().replace(b"7A", b"7B", 1))
    assert CliRunner().invoke(platepost, ["verify", str(package), *keys]).exit_code == 1


@pytest.mark.usefixtures("before_people")
def test_everything_goes_into_another_department(
    department: Commands, stocked: DepartmentFolder, installed: Installed, tmp_path: Path
) -> None:
    folder, top = stocked, department.folder.parent
    why = ("--purpose", "drill", "--case", "D-1")
    with running_database(folder):
        document = department.json("export-all", tmp_path / "all", *why, given=next_code(folder))
    other = Commands(top / "other", department.identity)
    installed.lend_database(other.folder)
    assert other("init", other.identity).returncode == 0
    there = DepartmentFolder(other.folder)
    with running_database(there):
        taken = other.json("import", tmp_path / "all")
        assert (document["records"], taken) == (10, {name: document[name] for name in ("records", "entries")})
        again = other("import", tmp_path / "all")
        assert "import into an empty one" in again.stderr
        proved = other.json("verify", "--whole")
        assert (proved["intact"], proved["records"], proved["entries"]) == (True, 10, document["entries"] + 1), proved
    assert there.receipts.read_bytes() == folder.receipts.read_bytes()

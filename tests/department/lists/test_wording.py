"""What entries, recoveries and imports may say: no return of the state's system, nothing that the policy forbids."""

from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, connection
from pytest_django.fixtures import Settings

from platepost.department.database.queries import rows
from platepost.department.database.roles import SIGNER, WEB
from platepost.department.lists import services
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.imports import ImportingUser, imported_rows, take_in
from platepost.department.lists.models import ListImport
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import DEFAULT, read_policy
from tests.department.lists.conftest import entry_of, stored_entries
from tests.department.roles import as_role

People = dict[str, DepartmentPerson]
BY = ImportingUser("root", b"secret")
RETURNS = (
    "NIC/V123456789",
    "DOB/19800101",
    "dob/01021980 sex/m",
    "LIC/7ABC123 LIS/CA LIY/2027",
    "REGISTERED OWNER DOE, JANE",
    "Registered owner: Jane Doe",
    "R/O: DOE",
    "VIN 1HGCM82633A004352",
    "1HGCM82633A004352",
    "\uff2e\uff29\uff23/V123456789",  # full-width
    "date of birth 01/02/1980",
    "born: see DOB 1980-01-02",
    "FCN: A123",
    "CONFIRM RECORD WITH ORI CA0330000",
    "MKE/HOND VYR/2014",
)
OWN_WORDS = (
    "white van, left mirror gone",
    "2014 Honda Civic, dent in the right rear door",
    "Do not stop alone; call 555-0100",
    "armed and dangerous, felony stop with 2 units",
    "the owner asks to be called when it is found",
    "and/or a trailer 16 ft long",
    "hold for prints; tow to lot 7/8",
    "victim: registered owner's son drives it at night",
    "CAUTION: child in the back seat",
    "see report 26-004711, page 3/4",
)


@pytest.mark.usefixtures("as_web")
def test_text_of_a_return_is_in_no_entry(people: People, superuser: psycopg.Connection) -> None:
    for text in RETURNS:
        for field in ("reason", "vehicle", "instructions"):
            with pytest.raises(ListRefusedError, match="looks like text of a CLETS return"):
                services.enter_entry(entry_of(**{field: text}), people["a.rivera"])
    for text in OWN_WORDS:
        services.enter_entry(entry_of(vehicle=text, instructions=text), people["a.rivera"])
    with pytest.raises(ListRefusedError, match="looks like text of a CLETS return"):
        services.recover("7ABC123", "NIC/V123456789 cleared", people["a.rivera"])
    assert len(stored_entries()) == len(OWN_WORDS)
    query = "SELECT policy_is_return(instructions), count(*) FROM lists_entry GROUP BY 1"
    assert superuser.execute(query).fetchall() == [(False, len(OWN_WORDS))], "what P11's evidence counts"


@pytest.mark.usefixtures("as_web")
def test_default_policy_asks_for_a_second_person_for_each_entry_of_people(people: People, settings: Settings) -> None:
    settings.POLICY_FILE = DEFAULT
    assert read_policy(DEFAULT).lists.two_persons == ("all",)
    entry = entry_of()
    services.enter_entry(entry, people["a.rivera"])
    assert entry.waits
    with pytest.raises(ListRefusedError, match="supervisor"):
        services.approve_entry(entry, people["a.rivera"])


def test_import_takes_no_row_that_the_policy_forbids(tmp_path: Path, people: People) -> None:
    file, mapping = tmp_path / "state.csv", tmp_path / "state.toml"
    file.write_text(
        "plate,category,reference\n7IMP001,stolen_vehicle,V123456789\n7IMP002,stolen_vehicle,I.C.E. DETAINER 5\n"
        "7IMP003,bolo,asked for by HSI\n7IMP004,bolo,hail and ice damage\n"
    )
    with as_role(SIGNER):
        list_import = take_in(file, "state", None, BY)
        assert list_import is not None
        forbidden = "the policy forbids it: immigration"
        assert (list_import.accepted, list_import.report) == (2, [[3, forbidden], [4, forbidden]])
    with as_role(WEB):
        services.let_import_go(list_import.pk, "the state's", people["b.chen"])
    with as_role(SIGNER):
        assert [row.plate for row in imported_rows(list_import.at, ())] == ["7IMP001", "7IMP004"]
        mapping.write_text('[categories]\n"IMMIGRATION VIOLATOR" = "wanted_person"\n')
        with pytest.raises(ListRefusedError, match="IMMIGRATION"):
            take_in(file, "other", mapping, BY)
        with pytest.raises(ListRefusedError, match="detainers"):
            take_in(file, "ice-ero-detainers", None, BY)
        # By hand, as the signer's role.
        for statement in (
            "INSERT INTO lists_imported VALUES ('7IMP1', 'bolo', 's', NULL), ('7IMP2', 'immigration_file', 's', NULL)",
            """INSERT INTO lists_import (source, "system_user", mark, mapping, accepted, refused, report)
            VALUES ('detainers', 'root', 'x', '', 1, 0, '[]')""",
        ):
            with pytest.raises(IntegrityError, match="Refused because of"), connection.cursor() as cursor:
                cursor.execute(statement)
    assert ListImport.objects.count() == 1
    assert rows("SELECT count(*) FROM lists_imported WHERE category LIKE 'immi%%'", []) == [(0,)]

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from platepost.provisioning.commands.hotlist.group import hotlist
from tests.provisioning.hotlist.hostile import NAME
from tests.provisioning.hotlist.vectors import FOLDER

JUNE = "2026-06-01T00:00:00+00:00"


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    described = json.loads((FOLDER / "vectors.json").read_text("utf-8"))["keys"]
    issuer, post = (ECKey.import_key(described[name]) for name in ("issuer", "post"))
    (tmp_path / "issuer.pem").write_bytes(issuer.as_pem(private=False))
    (tmp_path / "post.pem").write_bytes(post.as_pem(private=True))
    return ["--issuer-key", str(tmp_path / "issuer.pem"), "--post-key", str(tmp_path / "post.pem")]


def checked(keys: list[str], name: str, *words: str, code: int = 0) -> dict[str, Any]:
    run = CliRunner().invoke(hotlist, ["check", str(FOLDER / name), *keys, "--at", JUNE, "--json", *words])
    assert run.exit_code == code, (run.output, run.exception)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_a_package_is_taken_and_its_plates_are_found_at_each_step(keys: list[str]) -> None:
    said = checked(keys, "complete.package", "--plate", "80de-456", "--plate", "7ABC123")
    assert (said["taken"], said["version"], said["entries"]) == (True, 1, 6)
    plate = said["plates"]["80de-456"]
    assert (plate["key"], plate["filter"], plate["table"]) == ("80DE456", True, 1)
    assert plate["digest"] == "215b29a447dd84b724fd34249963410cd23b28e0e4924f75792a167b7671c80c"
    assert [match["match"] for match in plate["matches"]] == ["look_alike"]
    assert [match["reference"] for match in said["plates"]["7ABC123"]["matches"]] == ["NCIC-1", "CASE 7"]


def test_a_plate_that_is_not_listed_is_said_and_the_exit_code_tells(keys: list[str]) -> None:
    said = checked(keys, "complete.package", "--plate", "9NEW111", code=1)
    assert (said["taken"], said["plates"]["9NEW111"]["table"]) == (True, 0)
    delta = checked(keys, "delta.package", "--base", str(FOLDER / "complete.package"), "--plate", "9NEW111")
    assert delta["plates"]["9NEW111"]["matches"][0]["category"] == "stolen_vehicle"


def test_a_package_of_an_epoch_opens_with_the_message_that_brings_its_key(keys: list[str]) -> None:
    folder = FOLDER / "epochs"
    words = ["--keys", str(folder / "post.keys"), "--plate", "9NEW111", "--base", str(folder / "complete.package")]
    assert checked(keys, "epochs/delta.package", *words)["plates"]["9NEW111"]["matches"]
    assert checked(keys, "epochs/complete.package", code=1)["reason"] == "wrong_key"


@pytest.mark.parametrize(
    ("name", "reason", "told"),
    [
        (f"{NAME}/filter-of-zeros.package", "malformed", "the filter has not as many bits"),
        (f"{NAME}/version-text.package", "malformed", "wrong at: version"),
        (f"{NAME}/stranger.package", "bad_signature", "expected key"),
        ("delta.package", "wrong_base", "--base"),
    ],
)
def test_a_refusal_has_the_name_that_a_post_gives_it_and_says_what_is_wrong(
    keys: list[str], name: str, reason: str, told: str
) -> None:
    said = checked(keys, name, code=1)
    assert (said["taken"], said["reason"]) == (False, reason)
    assert told in said["said"]


def test_people_see_the_same(keys: list[str]) -> None:
    words = ["check", str(FOLDER / "complete.package"), *keys, "--at", JUNE, "--plate", "1291164", "--plate", "9NEW111"]
    run = CliRunner().invoke(hotlist, words)
    assert run.exit_code == 1
    assert "1291164: exact local 5" in run.stdout
    assert "9NEW111: no match" in run.stdout
    assert CliRunner().invoke(hotlist, [*words[:-2], "--at", "2026-06-01T00:00:00"]).exit_code == 2

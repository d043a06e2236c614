"""What is beside the packages of a release: source, bills of materials; and what is in them for people."""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import cv2
import pytest
import sqlcipher3.dbapi2 as sqlcipher3
from cryptography.hazmat.backends.openssl.backend import backend

from platepost.device.cli import platepost
from platepost.version import __version__

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements/device.txt"
SITE = Path(cv2.__file__).parents[1]


def _bill(folder: Path, lock: Path) -> dict[str, dict[str, Any]]:
    """The components of a bill by their names."""
    command = [sys.executable, "packaging/sbom", "platepost", "0.1.0", folder, lock]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    references = {part["bom-ref"] for part in bill["components"]}
    assert references == set(bill["dependencies"][0]["dependsOn"])
    assert {each["ref"] for each in bill["dependencies"]} == references | {"platepost@0.1.0"}
    return {part["name"]: part for part in bill["components"]}


def _libraries(part: dict[str, Any]) -> set[tuple[str, str | None]]:
    """The name and version of each library in a component, at any depth."""
    libraries = set()
    for each in part.get("components", ()):
        if each["type"] == "library":
            libraries.add((each["name"], each.get("version")))
        libraries |= _libraries(each)
    return libraries


@pytest.fixture(scope="module")
def bill() -> dict[str, dict[str, Any]]:
    """The bill of what a post runs on; reading 300 MB takes seconds."""
    return _bill(SITE, LOCK)


def test_the_bill_lists_what_is_inside_the_wheels(bill: dict[str, dict[str, Any]]) -> None:
    blocks = {block.partition("==")[0]: block for block in re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8"))}
    assert bill.keys() <= blocks.keys(), "what the lock lists, and nothing else that is installed"
    assert bill["click"]["supplier"] == {"name": "Pallets"}
    hashes = [each["content"] for each in bill["click"]["externalReferences"][0]["hashes"]]
    assert hashes == re.findall("sha256:([0-9a-f]+)", blocks["click"])

    linked = dict(_libraries(bill["cryptography"]))
    assert f"OpenSSL {linked['OpenSSL']} " in backend.openssl_version_text()
    assert "openssl-sys" in linked, "from the bill that the wheel brings"
    assert "OpenBLAS" in dict(_libraries(bill["numpy"]))
    with closing(sqlcipher3.connect(":memory:")) as database:
        ((cipher,),) = database.execute("pragma cipher_version")
    linked = dict(_libraries(bill["sqlcipher3"]))
    assert (linked["SQLite"], linked["SQLCipher"]) == (sqlcipher3.sqlite_version, cipher.partition(" ")[0])
    linked = dict(_libraries(bill["opencv-python-headless"]))
    of_build = {"OpenJPEG": "JPEG 2000", "libjpeg-turbo": "JPEG", "libpng": "PNG", "libtiff": "TIFF", "zlib": "ZLib"}
    for library, title in of_build.items():
        assert re.search(rf"\b{title}: .*\b{re.escape(linked[library])}\b", cv2.getBuildInformation()), library
    assert {"OpenSSL", "OpenBLAS", "FFmpeg", "libaom", "libvpx"} <= linked.keys()


def test_the_bill_has_each_library_that_a_post_loads(bill: dict[str, dict[str, Any]]) -> None:
    # As the kernel reports it of a process that has imported the whole of a post.
    program = "import platepost.device.post, platepost.device.vision.recognizer; print(open('/proc/self/maps').read())"
    maps = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = {Path(line.split(maxsplit=5)[5]) for line in maps.splitlines() if str(SITE) in line and ".so" in line}
    files = {each["name"]: each for part in bill.values() for each in part.get("components", ())}
    assert len(loaded) > 20
    for path in loaded:
        digest = files[str(path.relative_to(SITE))]["hashes"][0]["content"]
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_bill_finds_an_old_library_that_was_planted(tmp_path: Path) -> None:
    package = tmp_path / "planted"
    metadata = tmp_path / "planted-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "core.so").write_bytes(b"\x7fELF...\x00OpenSSL 1.0.2k  26 Jan 2017\x00...")
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: planted\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "RECORD").write_text("planted/core.so,,\nplanted-1.0.dist-info/METADATA,,\n", encoding="utf-8")
    lock = tmp_path / "lock.txt"
    lock.write_text("planted==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    assert _libraries(_bill(tmp_path, lock)["planted"]) == {("OpenSSL", "1.0.2k")}


def test_the_statement_on_weaknesses_is_about_the_versions_that_ship(bill: dict[str, dict[str, Any]]) -> None:
    statement = json.loads((ROOT / "packaging/vex.json").read_text(encoding="utf-8"))
    products = {json.dumps(product) for each in statement["statements"] for product in each["products"]}
    (product,) = map(json.loads, products)
    opencv = bill["opencv-python-headless"]
    assert product["@id"] == opencv["purl"], "a new OpenCV: look at its bill, and update packaging/vex.json"
    declared = {each.get("purl") for each in opencv["components"]}
    assert product["subcomponents"][0]["@id"] in declared


def test_the_source_archive_has_every_file_of_the_project(tmp_path: Path) -> None:
    # Its tests read what builds packages, its documents link to all of it.
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {name for name in tracked.splitlines() if not (ROOT / name).is_symlink()}
    assert files - inside == set()


def test_each_command_of_a_post_has_a_manual_page_that_says_what_its_help_says(tmp_path: Path) -> None:
    rules = (ROOT / "debian/rules").read_text(encoding="utf-8")
    lines = re.findall(r"debian/manual \S+\.man (.+)$", rules, re.MULTILINE)
    named = {name for line in lines for name in line.split()}
    top = click.Context(platepost, info_name="platepost")
    commands = set(platepost.list_commands(top)) - {"models"}
    assert named == {"platepost"} | commands, "models has no Debian package"
    subprocess.run([sys.executable, "debian/manual", tmp_path, "platepost", "read", "recording"], cwd=ROOT, check=True)
    page = (tmp_path / "platepost.1").read_text(encoding="utf-8")
    assert set(re.findall(r"platepost-([a-z]+)\(1\)", page)) == commands
    page = (tmp_path / "platepost-read.1").read_text(encoding="utf-8")
    assert "platepost read photo.jpg" in page
    assert r"\fB\-\-json\fP" in page
    assert (tmp_path / "platepost-recording-start.1").is_file()


def test_no_link_of_the_installed_documents_is_dead(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "debian/documents", tmp_path], cwd=ROOT, check=True)
    links = {
        (document, target)
        for document in tmp_path.rglob("*.md")
        for target in re.findall(r"(?:\]\(|src=\")([^)\"#\s]+)", document.read_text(encoding="utf-8"))
        if ":" not in target
    }
    assert (tmp_path / "docs/index.md", "../README.md") in links
    assert (tmp_path / "docs/subscriber.md", "contract/README.md") in links
    assert not [link for link in links if not (link[0].parent / link[1]).exists()]
    index = (tmp_path / "docs/index.md").read_text(encoding="utf-8")
    assert "toctree" not in index, "it is for the site's generator"


def test_every_command_and_plug_in_is_imported_as_part_of_platepost() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tables = [project["scripts"], *project["entry-points"].values()]
    places = [place for table in tables for place in table.values()]
    assert [place for place in places if not place.startswith("platepost.")] == []


def test_the_packages_have_the_version_of_the_project() -> None:
    changelog = (ROOT / "debian/changelog").read_text(encoding="utf-8")
    assert changelog.startswith(f"platepost ({__version__}) ")

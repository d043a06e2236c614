"""What is beside the packages of a release: source, bills of materials; and what is in them for people."""

import json
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import click
import cv2
from cryptography.hazmat.backends.openssl.backend import backend

from platepost.device.cli import platepost
from platepost.version import __version__

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements/device.txt"


def test_the_bill_names_what_is_inside_the_wheels(tmp_path: Path) -> None:
    blocks = {block.partition("==")[0]: block for block in re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8"))}
    lock = tmp_path / "lock.txt"
    lock.write_text("\n".join(blocks[name] for name in ("click", "cryptography", "numpy")), encoding="utf-8")
    command = [sys.executable, "packaging/sbom", "platepost", "0.1.0", str(Path(cv2.__file__).parents[1]), lock]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["name"]: part for part in bill["components"]}
    assert set(parts) == {"click", "cryptography", "numpy"}, "what the lock names, and nothing else that is installed"
    inside = {
        name: {library["name"]: library.get("version") for library in part.get("components", ())}
        for name, part in parts.items()
    }
    assert any("openblas" in name for name in inside["numpy"])
    assert f"OpenSSL {inside['cryptography']['openssl']} " in backend.openssl_version_text()
    hashes = [each["content"] for each in parts["click"]["externalReferences"][0]["hashes"]]
    assert hashes == re.findall("sha256:([0-9a-f]+)", blocks["click"])


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
    commands = set(platepost.list_commands(top)) - {"department", "models", "provision"}
    assert named == {"platepost"} | commands, "department, models and provision have no Debian package"
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

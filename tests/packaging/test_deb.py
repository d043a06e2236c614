"""What the Debian packages of a post hold."""

import os
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[2]


POST = ("platepost", "platepost-service")


def shipped(tree: Path, packages: tuple[str, ...] = POST, ending: str = ".py") -> set[Path]:
    """Return the files with an ending that packages take, as debhelper is told."""
    names = subprocess.run(["git", "ls-files"], cwd=tree, capture_output=True, text=True, check=True).stdout.split("\n")
    folders = {
        line.split()[0]
        for package in packages
        for line in (ROOT / f"debian/{package}.install").read_text(encoding="utf-8").splitlines()
    }
    rules = (ROOT / "debian/rules").read_text(encoding="utf-8")
    left_out = tuple(re.findall(r"rm -r debian/platepost/\$\(PACKAGE\)/(\S+)", rules))
    assert left_out
    files = {
        path
        for path in map(Path, names)
        if path.name.endswith(ending) and {str(path), *map(str, path.parents)} & folders
    }
    return {path for path in files if not any(path.is_relative_to(folder) for folder in left_out)}


def install(files: set[Path], folder: Path) -> None:
    for path in files:
        installed = folder / "platepost" / path.relative_to("platepost" if path.parts[0] == "platepost" else ".")
        installed.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_file():
            shutil.copy(ROOT / path, installed)


def python(script: str, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a script, which finds the files of a folder first."""
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_post_runs_without_what_writes_the_contract(tmp_path: Path) -> None:
    files = shipped(ROOT)
    assert {Path("device/post.py"), Path("wire/records/read.py"), Path("technician/commands/aim.py")} <= files
    assert not [path for path in files if path.is_relative_to("wire/contract")]
    install(files, tmp_path)
    script = (
        "import importlib, pkgutil, sys, platepost\n"
        f"sys.exit('another tree') if {str(tmp_path)!r} not in platepost.__file__ else None\n"
        "for module in pkgutil.walk_packages(platepost.__path__, 'platepost.'):\n"
        "    importlib.import_module(module.name)\n"
    )
    done = python(script, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_department_runs_without_networks_and_footage(tmp_path: Path) -> None:
    files = shipped(ROOT, ("platepost-department",), ending="")
    assert not [path for path in files if path.parts[0] in {"models", "simulator", "technician"}]
    install(files, tmp_path)
    done = python("from platepost.device.cli import main; main()", tmp_path, "department", "keep", "--help")
    assert done.returncode == 0, done.stderr
    assert "platepost department keep" in done.stdout


def test_caches_that_the_build_left_are_made_again_without_times(tmp_path: Path) -> None:
    module = tmp_path / "app/module.py"
    module.parent.mkdir()
    module.write_text("NAME = 1\n", encoding="utf-8")
    left = Path(py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP))
    another = left.with_name("module.cpython-312.pyc" if sys.version_info[1] != 12 else "module.cpython-311.pyc")
    shutil.copy(left, another)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    subprocess.run([ROOT / "debian/compile", tmp_path, "app", version], env=os.environ | {"PATH": path}, check=True)
    assert list(left.parent.iterdir()) == [left], "only for the versions that are asked for"
    assert left.read_bytes()[4:8] == bytes([1, 0, 0, 0]), "a hash that is not looked at"
    assert str(tmp_path).encode() not in left.read_bytes()


def test_the_runtimes_copyright_names_each_distribution_and_what_is_inside_it() -> None:
    packages = Path(cv2.__file__).parents[1]
    command = [sys.executable, ROOT / "debian" / "bundled-copyright", packages.parent, packages.name]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    stanzas = {part.partition(" of ")[2].partition(",")[0]: part for part in text.split("\n\n")[1:]}
    assert {"numpy", "opencv-python-headless", "cryptography", "sqlcipher3"} <= set(stanzas)
    assert f"/{packages.name}/cv2/LICENSE-3RD-PARTY.txt" in stanzas["opencv-python-headless"], "FFmpeg is in it"
    for name in ("numpy", "opencv-python-headless"):
        assert "-and-of-the-libraries-inside\n" in stanzas[name]
    assert f"{packages.name}/numpy.libs/*" in stanzas["numpy"]


def test_the_runtime_reads_plates_without_what_its_package_leaves_out(tmp_path: Path) -> None:
    litert = Path(pytest.importorskip("ai_edge_litert").__file__).parent
    shutil.copytree(litert, tmp_path / litert.name)
    script = (ROOT / "debian" / "wheels").read_text(encoding="utf-8")
    (left_out,) = re.findall(r"(rm -rf aot tools .*?\.so)\)", script, re.DOTALL)
    subprocess.run(["bash", "-c", left_out], cwd=tmp_path / litert.name, check=True)
    assert not (tmp_path / litert.name / "libLiteRt.so").exists()
    load = (
        "from platepost.device.vision.interpreter import Network; "
        "from platepost.device.vision.modelfiles import shipped; "
        "import ai_edge_litert; Network(shipped('reader.tflite')); print(ai_edge_litert.__file__)"
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", load], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))

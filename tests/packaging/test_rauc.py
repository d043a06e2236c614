"""Updates: what RAUC itself signs, proves and refuses here, and the two scripts that it calls on a unit."""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from platepost.common.systemd import Notifier
from platepost.device.health.boot_counter import WELL_SECONDS, BootCounter
from tests.clocks import SteppedClock

PACKAGING = Path(__file__).parents[2] / "packaging"
RAUC = PACKAGING / "rauc"


class Vendor:
    """Who signs updates: an authority, and a certificate for signing code."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.keyring, self.certificate, self.key = (folder / name for name in ("ca.pem", "release.pem", "key.pem"))
        authority = ec.generate_private_key(ec.SECP256R1())
        signer = ec.generate_private_key(ec.SECP256R1())
        root = self._certificate("root", authority, "root", authority, authority=True)
        release = self._certificate("release", signer, "root", authority, authority=False)
        self.keyring.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(release.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            signer.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def _certificate(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        by: ec.EllipticCurvePrivateKey,
        *,
        authority: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        )
        if not authority:
            usage = x509.KeyUsage(True, *[False] * 8)
            builder = builder.add_extension(usage, critical=True).add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=True
            )
        return builder.sign(by, hashes.SHA256())


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Vendor:
    if shutil.which("rauc") is None or shutil.which("mksquashfs") is None:
        pytest.skip("rauc or mksquashfs is missing: make tools")
    return Vendor(tmp_path_factory.mktemp("vendor") / "one")


@pytest.fixture(scope="module")
def bundle(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "root.ext4").write_bytes(os.urandom(65536))
    out = folder / "platepost.raucb"
    made = subprocess.run(
        [
            *(str(RAUC / "bundle"), str(out), "--root", str(folder / "root.ext4")),
            *("--certificate", str(vendor.certificate), "--key", str(vendor.key)),
        ],
        env=os.environ | {"VERSION": "1.2.0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return out


def judged(bundle: Path, keyring: Path) -> subprocess.CompletedProcess[str]:
    """What a unit's RAUC says of a bundle, by the unit's own configuration."""
    conf = bundle.parent / "system.conf"
    conf.write_text(
        (RAUC / "system.conf")
        .read_text(encoding="utf-8")
        .replace("@VERSION@", "1.1.0")
        .replace("/etc/rauc/keyring.pem", str(keyring))
        .replace("/usr/lib/platepost/rauc-tryboot", str(RAUC / "rauc-tryboot")),
        encoding="utf-8",
    )
    return subprocess.run(
        ["rauc", "--conf", str(conf), "info", str(bundle)], capture_output=True, text=True, check=False
    )


def test_a_signed_bundle_is_proved(bundle: Path, vendor: Vendor) -> None:
    found = judged(bundle, vendor.keyring)
    assert found.returncode == 0, found.stderr
    assert "'1.2.0'" in found.stdout
    assert "'platepost-pi'" in found.stdout


def test_a_bundle_that_somebody_else_signed_is_refused(bundle: Path, tmp_path: Path) -> None:
    foreign = judged(bundle, Vendor(tmp_path / "another").keyring)
    assert foreign.returncode != 0
    assert "signature" in foreign.stderr.lower()


@pytest.mark.parametrize("where", [0.3, 0.9999])
def test_a_bundle_that_was_changed_is_refused(bundle: Path, vendor: Vendor, tmp_path: Path, where: float) -> None:
    content = bytearray(bundle.read_bytes())
    content[int(where * (len(content) - 1))] ^= 1
    changed = tmp_path / "changed.raucb"
    changed.write_bytes(content)
    extracted = subprocess.run(
        ["rauc", "--keyring", str(vendor.keyring), "extract", str(changed), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert extracted.returncode != 0


def test_an_unsigned_bundle_is_refused(vendor: Vendor, tmp_path: Path) -> None:
    unsigned = tmp_path / "unsigned.raucb"
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "manifest.raucm").write_text("[update]\ncompatible=platepost-pi\nversion=9\n")
    subprocess.run(["mksquashfs", str(tmp_path / "content"), str(unsigned), "-quiet"], check=True, capture_output=True)
    assert judged(unsigned, vendor.keyring).returncode != 0


def checked(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    status = tmp_path / "dpkg" / "status"
    status.parent.mkdir(exist_ok=True)
    status.write_text(
        "Package: platepost\nStatus: install ok installed\nArchitecture: all\nVersion: 1.10.0\n"
        "Maintainer: nobody <nobody@platepost.example>\nDescription: one\n"
    )
    return subprocess.run(
        [str(RAUC / "hook"), "install-check"],
        env=os.environ
        | {
            "PLATEPOST_DPKG": str(status.parent),
            "RAUC_MF_COMPATIBLE": "platepost-pi",
            "RAUC_SYSTEM_COMPATIBLE": "platepost-pi",
            "RAUC_MF_VERSION": "1.10.0",
            **changes,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="dpkg is missing: run the tests on Debian")
@pytest.mark.parametrize(
    ("version", "code"), [("1.10.0", 0), ("1.11.0", 0), ("2.0.0", 0), ("1.9.0", 10), ("1.10.0~rc1", 10), ("0", 10)]
)
def test_a_bundle_that_is_older_than_the_system_is_refused(tmp_path: Path, version: str, code: int) -> None:
    found = checked(tmp_path, RAUC_MF_VERSION=version)
    assert found.returncode == code, found.stderr
    assert ("older" in found.stderr) == bool(code)


def test_a_bundle_for_another_unit_is_refused(tmp_path: Path) -> None:
    assert checked(tmp_path, RAUC_MF_COMPATIBLE="toaster").returncode == 10


@pytest.fixture
def firmware(tmp_path: Path) -> Callable[..., str]:
    """The backend that RAUC calls, on a unit that runs from A."""
    (tmp_path / "cmdline").write_text("console=tty1 rauc.slot=A root=/dev/mmcblk0p5\n")
    paths = {"PLATEPOST_AUTOBOOT": str(tmp_path / "autoboot.txt"), "PLATEPOST_CMDLINE": str(tmp_path / "cmdline")}

    def call(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(RAUC / "rauc-tryboot"), *arguments],
            env=os.environ | paths,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout.strip()

    return call


def test_a_new_system_is_tried_once_and_kept_when_it_proves_well(firmware: Callable[..., str], tmp_path: Path) -> None:
    assert (firmware("get-primary"), firmware("get-current")) == ("A", "A")
    firmware("set-primary", "B")
    text = (tmp_path / "autoboot.txt").read_text()
    assert "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n" in text
    assert firmware("get-primary") == "B"
    firmware("set-state", "B", "good")
    assert "[all]\ntryboot_a_b=1\nboot_partition=3\n" in (tmp_path / "autoboot.txt").read_text()
    assert firmware("get-primary") == "B"


def test_a_new_system_that_is_bad_leaves_the_old_one(firmware: Callable[..., str]) -> None:
    firmware("set-primary", "B")
    firmware("set-state", "B", "bad")
    assert firmware("get-primary") == "A"
    assert (firmware("get-state", "A"), firmware("get-state", "B")) == ("good", "bad")
    firmware("set-primary", "B")  # the next update goes there
    assert (firmware("get-primary"), firmware("get-state", "B")) == ("B", "good")


def test_a_new_system_that_waits_to_be_tried_is_kept_while_the_old_one_is_well(firmware: Callable[..., str]) -> None:
    firmware("set-primary", "B")
    firmware("set-state", "A", "good")  # as every quarter of an hour
    assert firmware("get-primary") == "B"


def test_what_is_entered_already_is_not_written_again(firmware: Callable[..., str], tmp_path: Path) -> None:
    firmware("set-primary", "B")
    firmware("set-state", "B", "good")
    before = (tmp_path / "autoboot.txt").stat()
    firmware("set-state", "B", "good")
    after = (tmp_path / "autoboot.txt").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


class Computer:
    """The folders of posts that share a computer, and a systemctl that has every unit but those off."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.off: set[str] = set()
        script = (PACKAGING / "systemd" / "confirm").read_text(encoding="utf-8")
        self._script = script.replace("/etc/platepost", f"{folder}/etc").replace("/var/lib", f"{folder}/lib")

    def post(self, settings: str, state: str) -> BootCounter:
        """Enroll a post that has started; return its count of starts."""
        for path in (self._folder / "etc" / settings, self._folder / "lib" / state):
            path.mkdir(parents=True)
        (self._folder / "etc" / settings / "post.toml").touch()
        self.clock = SteppedClock(50.0)
        counter = BootCounter(self._folder / "lib" / state, Notifier({}), clock=self.clock)
        counter.begin()
        return counter

    def prove(self, counter: BootCounter) -> None:
        """Let ten good minutes pass for a post."""
        counter.poll(fit=True)
        self.clock.now += WELL_SECONDS
        counter.poll(fit=True)

    def is_well(self) -> bool:
        systemctl = f'systemctl() {{ case " {" ".join(sorted(self.off))} " in *" $3 "*) return 1 ;; esac; }}\n'
        return subprocess.run(["/bin/sh", "-c", systemctl + self._script], check=False).returncode == 0


def test_a_system_is_kept_once_every_post_has_proved_well_on_it(tmp_path: Path) -> None:
    computer = Computer(tmp_path)
    assert not computer.is_well(), "there is no post that could be"
    alone = computer.post(".", "platepost")
    assert not computer.is_well()
    computer.prove(alone)
    assert computer.is_well()
    south = computer.post("posts/south", "platepost-posts/south")
    assert not computer.is_well(), "one of two is well"
    computer.prove(south)
    assert computer.is_well()
    computer.post("posts/north", "platepost-posts/north")
    computer.off = {"platepost@north.service"}
    assert computer.is_well(), "one that is switched off counts for nothing"
    computer.off = {"platepost@south.service", "platepost@north.service", "platepost.service"}
    assert not computer.is_well()


def test_what_is_no_system_is_refused(firmware: Callable[..., str]) -> None:
    firmware("set-primary", "C", code=2)
    firmware("set-state", "C", "good", code=2)
    firmware("dance", code=2)

"""What a technician may do as root at a unit: what the page has, with arguments that reach no other file."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from platepost.provisioning.image.hardening import POST_USER, sudo_rule

PAGE = Path(__file__).parents[3] / "docs" / "technician.md"
ELSEWHERE = ("sudo ip ", "sudo blkdiscard ")
"""What the page has for the laptop, and for another system."""
PROGRAMS = {
    "platepost": "/usr/bin/true",
    "systemctl": "/usr/bin/systemctl",
    "mount": "/usr/bin/mount",
    "umount": "/usr/bin/umount",
    "date": "/usr/bin/date",
    "kill": "/usr/bin/kill",
}
"""sudo looks for them on the machine of the test, which has no /usr/bin/platepost, nor the user of a post."""
AIM = "sudo platepost aim --as /mnt/r-alvarez"
REFUSED = [
    "sudo platepost",
    "sudo platepost run --config /tmp/x",
    "sudo platepost run",
    "sudo platepost recording start --person x --purpose y",
    "sudo platepost hotlist /mnt --config /etc/platepost/post.toml",
    "sudo platepost -v run",
    "sudo platepost --language es run",
    "sudo platepost verify /etc/shadow",
    f"{AIM} --config /tmp/post.toml",
    f"{AIM} --config /etc/platepost/posts/../../../tmp/post.toml",
    f"{AIM} --purpose 'x' --config /tmp/post.toml",
    f"{AIM} --purpose 'x --config /tmp/post.toml'",
    f"{AIM} --purpose '' --config=/tmp/post.toml",
    "sudo platepost aim --as /etc/platepost/keys",
    "sudo platepost aim --as /mnt/..",
    "sudo platepost aim --as /mnt/r-alvarez/../../etc",
    "sudo platepost accept --as /mnt/r-alvarez --output /etc/cron.d",
    "sudo platepost accept --as /mnt/r-alvarez --output /mnt/../etc",
    "sudo platepost enroll post-17 --stick /etc",
    "sudo platepost enroll post-17 office.example:8443 --directory /etc",
    "sudo platepost enroll post-17 office.example:8443 --code-file /etc/shadow",
    "sudo platepost enroll --code-file /etc/shadow --stick /mnt",
    "sudo platepost renew /etc/shadow",
    "sudo platepost renew /mnt/../etc/shadow",
    "sudo platepost decommission --config /tmp/x --person x --purpose y",
    "sudo platepost decommission --person 'x --config /tmp/x' --purpose y",
    "sudo platepost selftest --config /tmp/x",
    "sudo systemctl restart platepost@south ssh",
    "sudo systemctl restart ssh",
    "sudo systemctl edit platepost",
    "sudo mount -o nosuid,nodev,noexec /dev/sda1 /mnt",
    "sudo mount -o nosuid,nodev,noexec,uid=platepost,umask=077 /dev/sda1 /etc",
    "sudo mount -o nosuid,nodev,noexec,uid=platepost,umask=077 /dev/mmcblk0p2 /mnt",
    "sudo date -u -s '2026-12-02' -f /etc/shadow",
    "sudo kill 1",
    f"sudo -u {POST_USER} kill 4711 1",
    f"sudo -u {POST_USER} platepost run",
    "sudo sh",
    "sudo umount /",
]


def documented() -> list[str]:
    """Return each command of the page that needs sudo, with a number for what a person has to fill in."""
    text = PAGE.read_text()
    commands = re.findall(r"^sudo [^\n]+$", text, re.MULTILINE) + re.findall(r"`(sudo [^`]+)`", text)
    return [
        re.sub(r"\s+", " ", each.removesuffix(" ...")).replace("NUMBER", "4711")
        for each in commands
        if not each.startswith(ELSEWHERE)
    ]


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0 or not all(map(shutil.which, ("sudo", "visudo", "cvtsudoers", "unshare", "systemctl"))):
        pytest.skip("root or sudo is missing: make tools, and run the tests as root")
    path = tmp_path_factory.mktemp("sudo") / "sudoers"
    path.write_text(sudo_rule("nobody"))
    path.chmod(0o440)
    subprocess.run(["visudo", "-c", "-f", str(path)], capture_output=True, check=True)
    return path


def is_allowed(rule: Path, command: str) -> bool:
    """Ask sudo itself."""
    words = shlex.split(command)[1:]
    user = "root"
    if words[0] == "-u":
        user = "daemon" if words[1] == POST_USER else words[1]
        words = words[2:]
    here = rule.with_name("here")
    here.write_text(
        rule.read_text().replace("/usr/bin/platepost", PROGRAMS["platepost"]).replace(f"({POST_USER})", "(daemon)")
    )
    here.chmod(0o440)
    words[0] = PROGRAMS.get(words[0], shutil.which(words[0]) or words[0])
    script = f'mount --bind {here} /etc/sudoers && exec sudo -l -U nobody -u {user} "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *words], capture_output=True, text=True, check=False
    )
    assert "not found" not in done.stderr
    return done.returncode == 0


def test_each_command_of_the_page_is_allowed(rule: Path) -> None:
    commands = documented()
    assert len(commands) > 12
    assert [each for each in commands if not is_allowed(rule, each)] == []


def test_each_command_that_is_allowed_is_on_the_page(rule: Path) -> None:
    shown = subprocess.run(["cvtsudoers", "-f", "json", str(rule)], capture_output=True, check=True).stdout
    aliases = json.loads(shown)["Command_Aliases"]
    on_the_page = [" ".join(shlex.split(re.sub("^sudo (-u [a-z]+ )?", "", each))) for each in documented()]
    for allowed in [each["command"] for commands in aliases.values() for each in commands]:
        program, _, arguments = allowed.partition(" ")
        # sudo's own patterns, where they are no regular expressions, know only [a-z] here.
        fits = re.compile(arguments.replace("\\", "") if arguments.startswith("^") else f"^{arguments}$")
        assert any(
            Path(program).name == name and fits.match(rest)
            for name, _, rest in (each.partition(" ") for each in on_the_page)
        ), allowed


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_not_on_the_page_is_refused(rule: Path, command: str) -> None:
    assert not is_allowed(rule, command)

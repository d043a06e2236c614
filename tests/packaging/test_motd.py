"""What a unit says at login: how far it is."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "debian/motd"


def said(root: Path) -> str:
    done = subprocess.run(
        [SCRIPT], env=os.environ | {"PLATEPOST_ROOT": str(root)}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_unit_without_a_post_waits_to_be_enrolled(tmp_path: Path) -> None:
    assert said(tmp_path) == "This unit waits to be enrolled as a post: sudo platepost enroll --help"


def test_enrolled_unit_says_which_post_it_is(tmp_path: Path) -> None:
    file = tmp_path / "etc/platepost/post.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[camera]\nbackend = "footage"\nname = "east"\n\n[post]\nagency = "riverside"\nname = "post-17"\n')
    assert said(tmp_path) == "This unit is post-17"


def test_each_of_several_posts_is_named(tmp_path: Path) -> None:
    for name in ("north", "south"):
        file = tmp_path / "etc/platepost/posts" / name / "post.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'[post]\nname = "{name}"\n')
    assert said(tmp_path).splitlines() == ["This unit is north", "This unit is south"]

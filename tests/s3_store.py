"""A store that speaks S3 and asks for keys, for the tests: `rclone serve s3` over a folder, an object a file."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from platepost.department.custody.bucket import PictureBucket
from platepost.department.folder import BucketSettings
from platepost.simulator.brokers.daemon import Daemon
from tests.memory_disk import new_folder

ROOT = Path(__file__).parents[1]
KEY, SECRET = "platepost-tests", "for tests alone"
CREDENTIALS = f'access_key_id = "{KEY}"\nsecret_access_key = "{SECRET}"\n'
PREFIX = "riverside"


def rclone_path() -> str | None:
    """Return rclone's, one that serves S3; None if there is none."""
    for found in (ROOT / "build" / "rclone", shutil.which("rclone")):
        if found and Path(found).exists():
            said = subprocess.run([found, "serve", "s3", "--help"], capture_output=True, check=False)
            if said.returncode == 0:
                return str(found)
    return None


class S3Store(Daemon):
    """The store.

    Args:
        directory: where its objects are.
        public: ask no one who they are.
        touched: someone else changes the files, so that it looks at the whole folder again each time.

    """

    program = "rclone"

    def __init__(self, directory: Path, *, public: bool = False, touched: bool = True) -> None:
        super().__init__(directory)
        self._options = [] if public else ["--auth-key", f"{KEY},{SECRET}"]
        # With "0s" it computes without end once it was asked.
        self._options += ["--dir-cache-time", "1ms"] if touched else []
        (self.directory / "credentials.toml").write_text(CREDENTIALS, encoding="ascii")
        self.objects = self.directory / "objects"
        self.objects.mkdir()

    def _command(self) -> Sequence[str]:
        program = rclone_path()
        assert program is not None
        return [program, "serve", "s3", str(self.objects), "--addr", f"127.0.0.1:{self.port}", *self._options]

    def settings(self, **more: object) -> BucketSettings:
        """Return what a department says of a new bucket."""
        name = f"pictures-{uuid4()}"
        (self.objects / name).mkdir()
        said = {"bucket": name, "endpoint": f"http://127.0.0.1:{self.port}", "credentials": "credentials.toml"}
        return BucketSettings.model_validate(said | {"prefix": PREFIX} | more)


class Bucket(PictureBucket):
    """A bucket whose files a test may look at."""

    def __init__(self, store: S3Store, **more: object) -> None:
        settings = store.settings(**more)
        super().__init__(settings, store.directory)
        self.settings = settings
        self.folder = store.objects / settings.bucket / PREFIX

    @property
    def objects(self) -> dict[UUID, bytes]:
        """What lies in it; a name that is none of ours fails."""
        return {UUID(path.name): path.read_bytes() for path in self.folder.glob("*")}


@pytest.fixture(scope="session")
def s3_store() -> Iterator[S3Store]:
    """Run the store."""
    if rclone_path() is None:
        pytest.skip("rclone with S3 is missing: make build/rclone")
    directory = new_folder()
    with S3Store(directory) as store:
        yield store
    shutil.rmtree(directory)


@pytest.fixture
def bucket(s3_store: S3Store) -> Bucket:
    """Make a new bucket."""
    return Bucket(s3_store)


@pytest.fixture
def away(s3_store: S3Store) -> PictureBucket:
    """A bucket of a store that does not run."""
    with S3Store(s3_store.directory / f"away-{uuid4()}") as store:
        settings = store.settings()
    return PictureBucket(settings, store.directory)

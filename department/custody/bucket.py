"""The bucket of an S3 store in which pictures may lie, beside the database that names them.

An object's name is drawn at random. Anyone who lists the bucket learns no plate, post, person or group from it, and
cannot tell whether a picture that they have is among the objects, as its digest would tell. What an object is, and who
may see it, the database alone says.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from platepost.common.errors import installing
from platepost.common.files import read_toml
from platepost.department.custody.errors import PictureStoreError
from platepost.department.folder import BucketSettings, DepartmentFolder

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

EXTRA = "department-s3"
PARALLEL = 32
"""Requests at once."""
CONNECT = timedelta(seconds=2)
REQUEST = timedelta(seconds=15)
"""How long one request may take, and be tried again."""
PUT_SECONDS = 45.0
"""How long the objects of a batch may take together: less than half of what the keeper's watchdog waits."""
_PAGE = 1000
"""Objects that the store names at once."""
_CREDENTIALS = {"access_key_id", "secret_access_key"}


class ListedObject(NamedTuple):
    """An object that is there."""

    name: UUID
    put_at: datetime
    size: int


class PictureBucket:
    """A bucket. For several threads. Nothing is read or connected before the first request.

    Every method raises PictureStoreError where the store does not answer, or refuses.

    Args:
        settings: where it is.
        folder: the department's, in which the files lie that they name.

    """

    def __init__(self, settings: BucketSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._refused = False
        """Whether it did not take what was put last."""

    def __repr__(self) -> str:
        return f"<PictureBucket {self._settings.bucket} at {self._settings.endpoint}>"

    def put(self, bodies: Mapping[UUID, bytes]) -> Callable[[], None]:
        """Begin to put objects. What is returned waits until all are durable; if one is not, it deletes the others."""
        begun = {self._pool.submit(self._put, name, body): name for name, body in bodies.items()}
        return lambda: self._finish(begun)

    def expect(self) -> None:
        """Make sure that the store answers, if it did not take what was put last: nothing is to be begun in vain."""
        if self._refused:
            self.check()

    def get(self, names: Collection[UUID]) -> dict[UUID, bytes]:
        """Return objects, as far as they are there."""
        bodies = zip(names, self._pool.map(self._get, names), strict=True)
        return {name: body for name, body in bodies if body is not None}

    def delete(self, names: Collection[UUID]) -> None:
        """Delete objects, as far as they are there."""
        with self._asking() as obstore:
            if names:
                obstore.delete(self._store, [*map(str, names)])

    def listed(self) -> Iterator[list[ListedObject]]:
        """Yield all objects, a page after the other; what is not named as ours are is left out."""
        with self._asking():
            for page in self._store.list(chunk_size=_PAGE):
                ours = ((_own_name(stat["path"]), stat) for stat in page)
                yield [ListedObject(name, stat["last_modified"], stat["size"]) for name, stat in ours if name]

    def check(self) -> None:
        """Make sure that the store answers."""
        with self._asking():
            self._any(self._store)

    def is_open(self) -> bool:
        """Tell whether it lets anyone without credentials list objects, or read one."""
        with self._asking() as obstore:
            known = self._any(self._store)
            stranger = self._opened(skip_signature=True)
        if self._is_allowed(lambda: self._any(stranger)):
            return True
        return known is not None and self._is_allowed(lambda: obstore.get(stranger, known))

    def _is_allowed(self, request: Callable[[], object]) -> bool:
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError  # noqa: PLC0415 - of an extra

        try:
            with self._asking():
                request()
        except PictureStoreError as error:
            # Some stores answer as if there were nothing, rclone that the request is bad. Any other failure, such as
            # a timeout, does not show that the store is closed.
            refusals = (PermissionDeniedError, UnauthenticatedError, FileNotFoundError)
            if isinstance(error.__cause__, refusals) or "status code: 400" in str(error.__cause__):
                return False
            raise
        return True

    def _any(self, store: "S3Store") -> str | None:
        """Return an object's name; None where there is none."""
        return next((str(stat["path"]) for page in store.list(chunk_size=1) for stat in page), None)

    def _put(self, name: UUID, body: bytes) -> None:
        with self._asking() as obstore:
            obstore.put(self._store, str(name), body, use_multipart=False)

    def _get(self, name: UUID) -> bytes | None:
        with self._asking() as obstore:
            try:
                return bytes(obstore.get(self._store, str(name)).bytes())
            except FileNotFoundError:
                return None

    def _finish(self, begun: Mapping[Future[None], UUID]) -> None:
        done, waiting = wait(begun, timeout=PUT_SECONDS, return_when=FIRST_EXCEPTION)
        failed = [error for future in done if (error := future.exception()) is not None]
        self._refused = bool(failed or waiting)
        if not self._refused:
            return
        for future in waiting:
            future.cancel()
        settled, _ = wait(begun, timeout=REQUEST.total_seconds())
        with suppress(PictureStoreError):  # what is left goes at night
            self.delete([begun[future] for future in settled if not future.cancelled() and future.exception() is None])
        raise failed[0] if failed else PictureStoreError(f"{self.name} takes too long to take pictures")

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """Give the library, and put its errors into words."""
        try:
            import obstore  # noqa: PLC0415 - of an extra
            from obstore.exceptions import BaseError  # noqa: PLC0415 - of an extra
        except ModuleNotFoundError as error:
            raise PictureStoreError(
                f"{self.name} needs {error.name}, which is not installed: {installing(EXTRA)}"
            ) from error
        try:
            yield obstore
        except FileNotFoundError as error:
            raise PictureStoreError(f"{self.name} is not there") from error
        except BaseError as error:
            raise PictureStoreError(f"{self.name} does not answer as it should: {_in_short(str(error))}") from error

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(PARALLEL, thread_name_prefix="pictures")

    @cached_property
    def _store(self) -> "S3Store":
        path = self._settings.credentials and self._folder / self._settings.credentials
        if path is None:
            return self._opened()  # the environment says who we are
        try:
            settings = read_toml(path)
        except (OSError, ValueError) as error:
            raise PictureStoreError(f"{path} has no credentials that can be read: {error}") from error
        if settings.keys() != _CREDENTIALS or not all(isinstance(setting, str) for setting in settings.values()):
            raise PictureStoreError(f"{path} must have {' and '.join(sorted(_CREDENTIALS))}, and nothing else")
        return self._opened(**settings)

    def _opened(self, **who: Any) -> "S3Store":
        from obstore.store import S3Store  # noqa: PLC0415 - of an extra

        settings = self._settings
        client: ClientConfig = {"connect_timeout": CONNECT, "timeout": REQUEST}
        client["allow_http"] = settings.endpoint.startswith("http:")
        try:
            if settings.root is not None:
                client["root_certificate"] = (self._folder / settings.root).read_bytes()
        except OSError as error:
            raise PictureStoreError(f"{error.filename}: {error.strerror}") from error
        return S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            endpoint=settings.endpoint,
            region=settings.region,
            checksum_algorithm="SHA256",
            client_options=client,
            retry_config={"max_retries": 2, "retry_timeout": REQUEST},
            **{"skip_signature": False, **who},
        )

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"the picture bucket {self._settings.bucket} at {self._settings.endpoint}"


def open_bucket(folder: DepartmentFolder) -> PictureBucket | None:
    """Return the bucket that a department's settings name; None where pictures lie in the database."""
    named = folder.settings.picture_bucket
    return None if named is None else PictureBucket(named, folder.path)


def _own_name(path: str) -> UUID | None:
    """Return an object's name if it is one that we give."""
    with suppress(ValueError):
        name = UUID(path)
        return name if str(name) == path else None
    return None


def _in_short(settings: str) -> str:
    """Return what the library says of a failure, without addresses, durations and its own state."""
    line = settings.partition("\n")[0].rpartition(" - ")[2].partition(": <")[0]
    code = re.search(r"<Code>(\w+)</Code>", settings)
    return f"{line} ({code[1]})" if code else line

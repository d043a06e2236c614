"""The bucket of an S3 store that may store the pictures; the database stores their names.

Object names are random. A list of the bucket reveals no plate, post, person, or group, and not whether a given picture
is in it, as digests would. Only the database knows what an object is and who may see it.
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
MAX_PARALLEL_REQUESTS = 32
CONNECT_TIMEOUT = timedelta(seconds=2)
REQUEST_TIMEOUT = timedelta(seconds=15)
"""Limit for one request with its retries."""
PUT_SECONDS = 45.0
"""Limit for one batch of uploads: less than half of the keeper's watchdog timeout."""
_PAGE = 1000
"""Objects per page of a listing."""
_CREDENTIALS = {"access_key_id", "secret_access_key"}


class ListedObject(NamedTuple):
    """An object in the bucket."""

    name: UUID
    put_at: datetime
    size: int


class PictureBucket:
    """A bucket of pictures. Thread-safe. It reads no file and opens no connection before the first request.

    Every method raises PictureStoreError if the store does not answer, or refuses.

    Args:
        settings: where it is.
        folder: the department's folder; paths in the settings are relative to it.

    """

    def __init__(self, settings: BucketSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._last_put_failed = False

    def __repr__(self) -> str:
        return f"<PictureBucket {self._settings.bucket} at {self._settings.endpoint}>"

    def put(self, bodies: Mapping[UUID, bytes]) -> Callable[[], None]:
        """Start uploading objects.

        Call the returned function to wait until all are durable; if one fails, it deletes the others and raises.
        """
        begun = {self._pool.submit(self._put, name, body): name for name, body in bodies.items()}
        return lambda: self._finish(begun)

    def check_if_failed(self) -> None:
        """Check the store if the last upload failed, so that no work is started in vain."""
        if self._last_put_failed:
            self.check()

    def get(self, names: Collection[UUID]) -> dict[UUID, bytes]:
        """Return the objects that exist, by name."""
        bodies = zip(names, self._pool.map(self._get, names), strict=True)
        return {name: body for name, body in bodies if body is not None}

    def delete(self, names: Collection[UUID]) -> None:
        """Delete the objects that exist."""
        with self._errors_translated() as obstore:
            if names:
                obstore.delete(self._store, [*map(str, names)])

    def listed(self) -> Iterator[list[ListedObject]]:
        """Yield all objects, one page at a time, without those whose names are not ours."""
        with self._errors_translated():
            for page in self._store.list(chunk_size=_PAGE):
                ours = ((_parse_name(stat["path"]), stat) for stat in page)
                yield [ListedObject(name, stat["last_modified"], stat["size"]) for name, stat in ours if name]

    def check(self) -> None:
        """Make sure that the store answers."""
        with self._errors_translated():
            self._any(self._store)

    def is_open(self) -> bool:
        """Tell whether anyone without credentials can list objects or read one."""
        with self._errors_translated() as obstore:
            known = self._any(self._store)
            anonymous = self._open_store(skip_signature=True)
        if self._is_allowed(lambda: self._any(anonymous)):
            return True
        return known is not None and self._is_allowed(lambda: obstore.get(anonymous, known))

    def _is_allowed(self, request: Callable[[], object]) -> bool:
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError  # noqa: PLC0415 - of an extra

        try:
            with self._errors_translated():
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
        with self._errors_translated() as obstore:
            obstore.put(self._store, str(name), body, use_multipart=False)

    def _get(self, name: UUID) -> bytes | None:
        with self._errors_translated() as obstore:
            try:
                return bytes(obstore.get(self._store, str(name)).bytes())
            except FileNotFoundError:
                return None

    def _finish(self, begun: Mapping[Future[None], UUID]) -> None:
        done, waiting = wait(begun, timeout=PUT_SECONDS, return_when=FIRST_EXCEPTION)
        failed = [error for future in done if (error := future.exception()) is not None]
        self._last_put_failed = bool(failed or waiting)
        if not self._last_put_failed:
            return
        for future in waiting:
            future.cancel()
        settled, _ = wait(begun, timeout=REQUEST_TIMEOUT.total_seconds())
        with suppress(PictureStoreError):  # `nightly` deletes what is left
            self.delete([begun[future] for future in settled if not future.cancelled() and future.exception() is None])
        raise failed[0] if failed else PictureStoreError(f"{self.name} takes too long to take pictures")

    @contextmanager
    def _errors_translated(self) -> Iterator[Any]:
        """Yield the obstore module; turn its errors into PictureStoreError."""
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
            raise PictureStoreError(f"{self.name} does not answer as it should: {_short_error(str(error))}") from error

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(MAX_PARALLEL_REQUESTS, thread_name_prefix="pictures")

    @cached_property
    def _store(self) -> "S3Store":
        path = self._settings.credentials and self._folder / self._settings.credentials
        if path is None:
            return self._open_store()  # credentials come from the environment
        try:
            credentials = read_toml(path)
        except (OSError, ValueError) as error:
            raise PictureStoreError(f"{path} has no credentials that can be read: {error}") from error
        if credentials.keys() != _CREDENTIALS or not all(isinstance(value, str) for value in credentials.values()):
            raise PictureStoreError(f"{path} must have {' and '.join(sorted(_CREDENTIALS))}, and nothing else")
        return self._open_store(**credentials)

    def _open_store(self, **credentials: Any) -> "S3Store":
        from obstore.store import S3Store  # noqa: PLC0415 - of an extra

        settings = self._settings
        client: ClientConfig = {"connect_timeout": CONNECT_TIMEOUT, "timeout": REQUEST_TIMEOUT}
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
            retry_config={"max_retries": 2, "retry_timeout": REQUEST_TIMEOUT},
            **{"skip_signature": False, **credentials},
        )

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"the picture bucket {self._settings.bucket} at {self._settings.endpoint}"


def open_bucket(folder: DepartmentFolder) -> PictureBucket | None:
    """Return the bucket that the department's settings name; None if the database stores the pictures."""
    named = folder.settings.picture_bucket
    return None if named is None else PictureBucket(named, folder.path)


def _parse_name(path: str) -> UUID | None:
    """Return an object's name if it is one that we give."""
    with suppress(ValueError):
        name = UUID(path)
        return name if str(name) == path else None
    return None


def _short_error(message: str) -> str:
    """Return what the library says of a failure, without addresses, durations and its own state."""
    line = message.partition("\n")[0].rpartition(" - ")[2].partition(": <")[0]
    code = re.search(r"<Code>(\w+)</Code>", message)
    return f"{line} ({code[1]})" if code else line

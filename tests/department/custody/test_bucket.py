"""The bucket says in words why it cannot be used, lets no secret out, and knows whether it is open to everyone."""

import builtins
import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from platepost.common.errors import installing
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.errors import PictureStoreError
from platepost.department.folder import BucketSettings
from tests.memory_disk import new_folder
from tests.s3_store import KEY, SECRET, Bucket, S3Store

NAME = UUID("0d5a1f6e-7b1f-4d52-9b0c-6f2a0a8d3c11")


def test_objects_are_put_fetched_and_deleted_as_far_as_they_are_there(bucket: Bucket) -> None:
    bodies = {uuid4(): bytes([number]) * 3000 for number in range(70)}
    bucket.put(bodies)()
    assert bucket.objects == bodies
    other = uuid4()
    assert bucket.get([*bodies, other]) == bodies
    bucket.put(bodies)()
    bucket.delete([*bodies, other])
    assert (bucket.objects, bucket.get(bodies)) == ({}, {})


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        ("http://s3.example", "https://"),
        ("ftp://s3.example", "https://"),
        ("https://", "https://"),
        ("s3.example", "https://"),
        (f"https://{KEY}:secret@s3.example", "no credentials"),
    ],
)
def test_pictures_go_protected_alone(endpoint: str, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        BucketSettings(bucket="pictures", endpoint=endpoint)
    for taken in ("https://s3.example:9000", "http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"):
        assert BucketSettings(bucket="pictures", endpoint=taken)


def test_it_says_why_it_cannot_be_used(s3_store: S3Store, away: PictureBucket, tmp_path: Path) -> None:
    settings = s3_store.settings()
    with pytest.raises(PictureStoreError, match=r"credentials\.toml has no credentials"):
        PictureBucket(settings, tmp_path).check()
    for wrong in ('access_key_id = "a"', f'access_key_id = "a"\nsecret_access_key = "{SECRET}"\nregion = "b"'):
        (tmp_path / "credentials.toml").write_text(wrong)
        with pytest.raises(PictureStoreError, match="must have access_key_id and secret_access_key, and nothing else"):
            PictureBucket(settings, tmp_path).check()
    (tmp_path / "credentials.toml").write_text(f'access_key_id = "{KEY}"\nsecret_access_key = "another one"\n')
    with pytest.raises(PictureStoreError, match="SignatureDoesNotMatch") as refused:
        PictureBucket(settings, tmp_path).check()
    assert "another one" not in str(refused.value)
    with pytest.raises(PictureStoreError, match=r"pictures-.* does not answer as it should: "):
        away.check()
    gone = settings.model_copy(update={"bucket": "no-such-bucket"})
    for trial in (lambda one: one.check(), lambda one: one.put({NAME: b""})()):
        with pytest.raises(PictureStoreError, match="no-such-bucket"):
            trial(PictureBucket(gone, s3_store.directory))
    with pytest.raises(PictureStoreError, match=r"root\.pem: No such file"):
        PictureBucket(settings.model_copy(update={"root": Path("root.pem")}), s3_store.directory).check()


def test_it_names_the_extra_that_brings_what_is_missing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *more: object) -> object:
        if name.partition(".")[0] == "obstore":
            raise ModuleNotFoundError(f"No module named {name!r}", name="obstore")
        return imported(name, *more)  # type: ignore[arg-type] - whatever was given

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        PictureStoreError, match=re.escape(f"needs obstore, which is not installed: {installing('department-s3')}")
    ):
        bucket.check()


def test_the_environment_may_say_who_asks(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = PictureBucket(s3_store.settings(credentials=None), Path("nowhere"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    bucket.put({NAME: b"x"})()
    assert bucket.get([NAME]) == {NAME: b"x"}


def test_it_knows_whether_it_is_open_to_everybody(
    bucket: Bucket, away: PictureBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for filled in (False, True):
        if filled:
            bucket.put({NAME: b"x"})()
        assert not bucket.is_open()
        with monkeypatch.context() as failing:
            failing.setattr(bucket, "_open_store", away._open_store)
            with pytest.raises(PictureStoreError):  # it does not know
                bucket.is_open()
    folder = new_folder()
    with S3Store(folder, public=True) as store:
        public = Bucket(store)
        assert public.is_open()
        public.put({NAME: b"x"})()
        assert public.is_open()

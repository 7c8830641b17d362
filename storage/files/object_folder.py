"""Article files as objects of a bucket: `s3://bucket/prefix`, on any service that speaks S3.

Credentials, region and endpoint come the way every AWS tool takes them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
AWS_PROFILE, AWS_ENDPOINT_URL and so on. An object appears whole or not at all, and is durable when the request
returns. It is created with `If-None-Match: *`, which the service refuses when there is one already:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from functools import cached_property
from typing import Any, TypeVar

from config.errors import EdgeError
from storage.errors import StorageError
from storage.files.folder import GIVEN_UP, MissingFile, in_the_way

T = TypeVar("T")
U = TypeVar("U")
PARALLEL = 16  # requests at a time
LOOK_UP_S = 0.2  # between two looks whether the answer is still wanted
PAGE = 1000  # names a listing; S3 gives no more at once
CONNECTION = {
    "connect_timeout": 10, "read_timeout": 60, "max_pool_connections": PARALLEL,
    "retries": {"mode": "standard", "max_attempts": 3},
    # Checksums that only some services know: TLS, or the signed hash of the content, guards it as well.
    "request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
}  # fmt: skip


class GivenUp(EdgeError):
    """Nobody waits for the result any more."""


class ObjectFolder:
    """The objects directly below a prefix."""

    remote = True

    def __init__(self, location: str) -> None:
        self.location = location.rstrip("/")
        self.bucket, _, prefix = self.location.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def __str__(self) -> str:
        return self.location

    def prepare(self) -> None:
        """Make sure that the bucket is there and answers; making it is its owner's decision."""
        with self._explained():
            self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)

    def names(self, prefix: str = "") -> set[str]:
        """The names of the objects, and of what would be folders."""
        return {name for name, _ in self._list(prefix)}

    def sizes(self) -> dict[str, int]:
        """The bytes of every object, by a listing of a thousand a request."""
        return {name: size for name, size in self._list("") if size is not None}

    def read(self, name: str) -> bytes:
        """The object's content."""
        with self._explained(name):
            key = f"{self.bucket}/{self._prefix}{name}"
            content: bytes = self._wait(lambda: self._files._cat_file(key, max_concurrency=1))
            return content

    def read_all(self, names: Iterable[str]) -> list[bytes | StorageError]:
        """The objects' content, several at a time."""

        def read(name: str) -> bytes | StorageError:
            try:
                return self.read(name)
            except MissingFile as error:
                return error

        return self._each(read, names)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Create objects, several at a time. The writer's lock of the index keeps two of us from one number."""
        self._each(self._create, files.items())

    def replace(self, name: str, content: bytes) -> None:
        """Put another content."""
        with self._explained(name):
            self._put(name, content)

    def remove(self, name: str) -> None:
        """Delete the object."""
        with self._explained(name):
            self._call("delete_object", Key=self._prefix + name)

    def _create(self, file: tuple[str, bytes]) -> None:
        name, content = file
        with self._explained(name):
            try:
                self._put(name, content, IfNoneMatch="*")
            except FileExistsError:
                pass
            except OSError as error:
                if _code(error) not in ("PreconditionFailed", "412", "NotImplemented", "501"):
                    raise
            else:
                return
        # It is there, or the service knows no conditions: then looking first is the next best.
        try:
            present = self.read(name)
        except MissingFile:
            self.replace(name, content)
            return
        if present != content:
            raise in_the_way(f"{self.location}/{name}")

    def _put(self, name: str, content: bytes, **conditions: str) -> None:
        key = self._prefix + name
        self._call("put_object", Key=key, Body=content, ContentType="text/plain; charset=utf-8", **conditions)

    def _list(self, prefix: str) -> Iterator[tuple[str, int | None]]:
        skip = len(self._prefix)
        request: dict[str, Any] = {"Prefix": self._prefix + prefix, "Delimiter": "/", "MaxKeys": PAGE}
        while True:
            with self._explained():
                page = self._call("list_objects_v2", **request)
            for folder in page.get("CommonPrefixes", ()):
                yield folder["Prefix"][skip:], None
            for entry in page.get("Contents", ()):
                if len(entry["Key"]) > skip:  # some tools mark a folder with an empty object
                    yield entry["Key"][skip:], entry["Size"]
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    @cached_property
    def _files(self) -> Any:
        """Made when it is first needed: its import takes a second, and a search, for one, reads no file."""
        try:
            from s3fs import S3FileSystem
        except ImportError as exc:
            raise StorageError(
                f"{self}: s3fs is not installed, which a corpus on S3 needs: run '.venv/bin/python -m pip install s3fs'"
            ) from exc
        # Instances are cached by their arguments, and keep the credentials and the endpoint they began with.
        return S3FileSystem(config_kwargs=CONNECTION, skip_instance_cache=True, use_listings_cache=False)

    def _call(self, method: str, **arguments: Any) -> Any:
        return self._wait(lambda: self._files._call_s3(method, Bucket=self.bucket, **arguments))

    def _wait(self, request: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The answer to a request, which may take minutes; a pass that is told to end does not wait for it.

        Raises GivenUp.
        """
        given_up = GIVEN_UP.get()
        answer = asyncio.run_coroutine_threadsafe(request(), self._files.loop)
        while not wait([answer], timeout=LOOK_UP_S).done:
            if given_up is not None and given_up.is_set():
                answer.cancel()
                raise GivenUp
        return answer.result()

    def _each(self, function: Callable[[T], U], items: Iterable[T]) -> list[U]:
        with ThreadPoolExecutor(PARALLEL) as pool:
            calls = [pool.submit(copy_context().run, function, item) for item in items]
            try:
                return [call.result() for call in calls]
            finally:  # after an error the rest would wait for the same one
                for call in calls:
                    call.cancel()

    @contextmanager
    def _explained(self, name: str = "") -> Iterator[None]:
        _ = self._files  # or the sentence that says what to install
        from aiohttp import ClientError
        from botocore.exceptions import BotoCoreError

        try:
            yield
        except (OSError, BotoCoreError, ClientError, ValueError) as error:  # ValueError: what is no endpoint at all
            raise self._sentence(f"{self.location}/{name}" if name else self.location, error) from error

    def _sentence(self, where: str, error: Exception) -> StorageError:
        from botocore import exceptions as boto

        code = _code(error)
        if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.ProfileNotFound):
            return StorageError(
                f"{where}: {_one_line(error)}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
        if not isinstance(error, OSError) or isinstance(error, TimeoutError):
            return StorageError(
                f"{where}: {_one_line(error)}: check the connection, and AWS_ENDPOINT_URL "
                f"({os.environ.get('AWS_ENDPOINT_URL') or 'not set: Amazon itself'})"
            )
        if code == "NoSuchBucket" or (isinstance(error, FileNotFoundError) and where == self.location):
            return StorageError(
                f"{self.location}: there is no bucket {self.bucket}: make it, or name another under [storage] corpus"
            )
        if isinstance(error, FileNotFoundError):
            return MissingFile(where)
        if isinstance(error, PermissionError):
            return StorageError(
                f"{where}: access denied ({code or _one_line(error)}): check the credentials, and that they may list, "
                "read, write and delete there"
            )
        return StorageError(
            f"{where}: {code}: {_one_line(error)}: try again later, or check AWS_ENDPOINT_URL, AWS_REGION and the "
            "bucket's settings"
        )


def _code(error: BaseException) -> str | None:
    """S3's own word for an error, which s3fs keeps as the cause of Python's."""
    response = getattr(error.__cause__, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def _one_line(error: Exception) -> str:
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    return re.sub(r"\s+", " ", said).rstrip(". ")

"""Article files as objects of a bucket: `s3://bucket/prefix`, on any service that speaks S3.

Credentials, region and endpoint come from the usual settings of AWS tools: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
AWS_PROFILE, AWS_ENDPOINT_URL and so on. An object appears whole or not at all, and is durable when the request
returns. It is created with `If-None-Match: *`, which the service refuses if the object exists:
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
LOOK_UP_S = 0.2  # between two checks whether the answer is still wanted
PAGE = 1000  # names a listing; S3 gives no more at once
CONNECTION = {
    "connect_timeout": 10, "read_timeout": 60, "max_pool_connections": PARALLEL,
    "retries": {"mode": "standard", "max_attempts": 3},
    # Some services do not know these checksums; TLS, or the signed hash of the content, guards the content as well.
    "request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
}  # fmt: skip


class GivenUp(EdgeError):
    """The result is no longer wanted."""


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
        """Check that the bucket exists and answers; only its owner may make it."""
        with self._explained():
            self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)

    def names(self, prefix: str = "") -> set[str]:
        """Return the names of the objects and of would-be folders."""
        return {name for name, _ in self._list(prefix)}

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each object, by listings of a thousand a request."""
        return {name: size for name, size in self._list("") if size is not None}

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """Return the object's content, or a span of it."""
        with self._explained(name):
            key = f"{self.bucket}/{self._prefix}{name}"
            content: bytes = self._wait(lambda: self._files._cat_file(key, start=start, end=end, max_concurrency=1))
            return content

    def read_all(self, names: Iterable[str]) -> list[bytes | StorageError]:
        """Return the content of each object; read several at a time."""

        def read(name: str) -> bytes | StorageError:
            try:
                return self.read(name)
            except MissingFile as error:
                return error

        return self._each(read, names)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Create objects, several at a time. The index's writer lock keeps two writers from using the same number."""
        self._each(self._create, files.items())

    def replace(self, name: str, content: bytes) -> None:
        """Replace the content of the object."""
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
        # The object exists, or the service knows no conditions: then look before writing.
        try:
            present = self.read(name)
        except MissingFile:
            self.replace(name, content)
            return
        if present != content:
            raise in_the_way(f"{self.location}/{name}")

    def _put(self, name: str, content: bytes, **conditions: str) -> None:
        key = self._prefix + name
        kind = "application/gzip" if name.endswith(".gz") else "text/plain; charset=utf-8"
        self._call("put_object", Key=key, Body=content, ContentType=kind, **conditions)

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
        """The file system, made on first use: its import takes a second, and a search, for instance, reads no file."""
        try:
            from s3fs import S3FileSystem
        except ImportError as exc:
            raise StorageError(
                f"{self}: s3fs is not installed, which a corpus on S3 needs: run '.venv/bin/python -m pip install s3fs'"
            ) from exc
        # s3fs caches instances by their arguments, and they keep their first credentials and endpoint.
        return S3FileSystem(config_kwargs=CONNECTION, skip_instance_cache=True, use_listings_cache=False)

    def _call(self, method: str, **arguments: Any) -> Any:
        return self._wait(lambda: self._files._call_s3(method, Bucket=self.bucket, **arguments))

    def _wait(self, request: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return the answer to a request, which may take minutes.

        Raises GivenUp when the pass is told to end.
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
            finally:  # after an error the others would only meet the same error
                for call in calls:
                    call.cancel()

    @contextmanager
    def _explained(self, name: str = "") -> Iterator[None]:
        _ = self._files  # raises the error that says what to install
        from aiohttp import ClientError
        from botocore.exceptions import BotoCoreError

        try:
            yield
        except (OSError, BotoCoreError, ClientError, ValueError) as error:  # ValueError: a malformed endpoint
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
    """Return S3's own code for an error, which s3fs keeps as the cause of Python's error."""
    response = getattr(error.__cause__, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def _one_line(error: Exception) -> str:
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    return re.sub(r"\s+", " ", said).rstrip(". ")

"""Content encodings: whatever the chunks, the body comes back, or an error, and never more than the limit in memory."""

from __future__ import annotations

import contextlib
import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.fetching.decoding import ACCEPT_ENCODING, Body, BrokenEncoding, TooLarge

LIMIT = 1_000_000
BOMB = 200_000_000
WIRE_CHUNK = 65_536  # what comes in at once
ROOM = 8_000_000  # bytes: the limit, its pieces joined, a decoder's window
TEXT = "Президент принял посла. " * 200


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def two_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


def padded_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + b"\0" * 7 + gzip.compress(data[half:]) + b"\0" * 512


def two_frames(data: bytes) -> bytes:
    half = len(data) // 2
    return zstandard.ZstdCompressor().compress(data[:half]) + zstandard.ZstdCompressor().compress(data[half:])


def zstd_stream(data: bytes) -> bytes:
    """A frame that does not say how large its content is."""
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


Pack = Callable[[bytes], bytes]
PACKINGS: list[tuple[str, str, Pack]] = [
    # name, Content-Encoding, how a server makes it
    ("plain", "", bytes),
    ("identity", "identity", bytes),
    ("gzip", "gzip", gzip.compress),
    ("gzip, the old name", "x-gzip", gzip.compress),
    ("gzip in capitals", " GZip ", gzip.compress),
    ("gzip and identity", "identity, gzip", gzip.compress),
    ("gzip without compression", "gzip", lambda data: gzip.compress(data, 0)),
    ("gzip of two members", "gzip", two_members),
    ("gzip, padded", "gzip", padded_members),
    ("gzip called deflate", "deflate", gzip.compress),
    ("deflate called gzip", "gzip", zlib.compress),
    ("deflate", "deflate", zlib.compress),
    ("deflate without header", "deflate", raw_deflate),
    ("brotli", "br", brotli.compress),
    ("zstd", "zstd", zstandard.ZstdCompressor().compress),
    ("zstd as a stream", "zstd", zstd_stream),
    ("zstd of two frames", "zstd", two_frames),
]
REAL = [packing for packing in PACKINGS if packing[0] not in ("plain", "identity")]


def named(packings: list[tuple[str, str, Pack]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("encoding", "pack"), [p[1:] for p in packings], ids=[p[0] for p in packings])


def decoded(encoding: str, chunks: Iterable[bytes], *, limit: int = LIMIT) -> bytes:
    body = Body(encoding, limit)
    for chunk in chunks:
        body.add(chunk)
    assert body.so_far() == body.finish()
    return body.finish()


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@st.composite
def chunked(draw: st.DrawFn) -> tuple[bytes, Callable[[bytes], list[bytes]]]:
    """A body, compressible or not, and a way to cut what it is packed to."""
    data = draw(
        st.one_of(st.binary(max_size=2000), st.builds(lambda b, n: b * n, st.binary(max_size=20), st.integers(0, 2000)))
    )
    seed = draw(st.integers(0, 2**32))
    longest = draw(st.sampled_from([1, 2, 3, 17, 300, 100_000]))

    def apart(packed: bytes) -> list[bytes]:
        chance = random.Random(seed)
        chunks, start = [], 0
        while start < len(packed):
            end = start + chance.randint(0, longest)  # an empty chunk now and then
            chunks.append(packed[start:end])
            start = end
        return chunks

    return data, apart


# --- What was packed comes back -----------------------------------------------------------------------------------


@named(PACKINGS)
@settings(max_examples=60, deadline=None)
@given(body=chunked())
def test_a_body_comes_back_however_it_is_cut(
    encoding: str, pack: Pack, body: tuple[bytes, Callable[[bytes], list[bytes]]]
) -> None:
    data, apart = body
    assert decoded(encoding, apart(pack(data))) == data


@named(PACKINGS)
def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_not(encoding: str, pack: Pack) -> None:
    data = random.Random(1).randbytes(100_000)
    assert decoded(encoding, cut(pack(data), 4096), limit=len(data)) == data
    with pytest.raises(TooLarge):
        decoded(encoding, cut(pack(data), 4096), limit=len(data) - 1)


@named(PACKINGS)
def test_no_body_is_an_empty_body(encoding: str, pack: Pack) -> None:
    """Servers send Content-Encoding with answers that have no body."""
    assert decoded(encoding, []) == b""
    assert decoded(encoding, [b"", b""]) == b""
    assert decoded(encoding, [pack(b"")]) == b""


def test_the_size_counts_decoded_bytes() -> None:
    body = Body("gzip", LIMIT)
    body.add(gzip.compress(b" " * 5000))
    assert body.size == 5000


def test_what_is_offered_is_understood() -> None:
    for encoding in ACCEPT_ENCODING.split(","):
        assert decoded(encoding, []) == b""


# --- What is broken is an error -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["compress", "gzip, x-compress", "gzip, gzip, gzip, gzip", "aes128gcm", "br, dcb"])
def test_what_cannot_be_undone_is_refused(encoding: str) -> None:
    with pytest.raises(BrokenEncoding):
        Body(encoding, LIMIT)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "windows-1251", "8bit", "binary", "klingon", "\u202e", "text/html", "none", ","]
)
def test_what_is_no_coding_is_passed_over(encoding: str) -> None:
    assert decoded(encoding, cut(TEXT.encode(), 100)) == TEXT.encode()
    assert decoded(f"{encoding}, gzip", cut(gzip.compress(TEXT.encode()), 100)) == TEXT.encode()


@pytest.mark.parametrize(
    ("encoding", "packs"),
    [
        ("gzip, br", (gzip.compress, brotli.compress)),
        ("gzip,gzip", (gzip.compress, gzip.compress)),
        ("deflate, identity, zstd", (zlib.compress, zstandard.ZstdCompressor().compress)),
        ("gzip;q=1", (gzip.compress,)),
        ('"gzip"', (gzip.compress,)),
        ("gzip, deflate, br", (gzip.compress, zlib.compress, brotli.compress)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_several_encodings_are_undone_in_turn(encoding: str, packs: tuple[Pack, ...], size: int) -> None:
    packed = TEXT.encode()
    for pack in packs:
        packed = pack(packed)
    assert decoded(encoding, cut(packed, size)) == TEXT.encode()
    with pytest.raises(BrokenEncoding):
        decoded(encoding, cut(packed[: len(packed) // 2], size))


def sniffed(encoding: str, chunks: Iterable[bytes], *, limit: int = LIMIT) -> bytes:
    body = Body(encoding, limit, sniffed=True)
    for chunk in chunks:
        body.add(chunk)
    return body.finish()


@pytest.mark.parametrize("encoding", ["", "gzip", "br"])
@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
def test_a_page_that_is_a_gzip_file_is_unpacked(encoding: str, size: int) -> None:
    outer: dict[str, Pack] = {"": bytes, "gzip": gzip.compress, "br": brotli.compress}
    assert sniffed(encoding, cut(outer[encoding](gzip.compress(TEXT.encode())), size)) == TEXT.encode()
    assert sniffed(encoding, cut(outer[encoding](TEXT.encode()), size)) == TEXT.encode()
    for short in (b"", b"\x1f", b"\x1f\x8b", b"<"):
        assert sniffed(encoding, cut(outer[encoding](short), size)) == short
    with pytest.raises(TooLarge):
        sniffed(encoding, cut(outer[encoding](gzip.compress(bytes(3 * LIMIT))), size))


ONE_STREAM = [
    packing for packing in REAL if packing[0] not in ("gzip, padded", "gzip of two members", "zstd of two frames")
]


def trailer_of(packed: bytes) -> int:
    """How many bytes at the end are a checksum alone."""
    return 8 if packed.startswith(b"\x1f\x8b") else 4 if packed.startswith(b"\x78") else 0


@named(ONE_STREAM)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_cut_body_is_broken_wherever_it_is_cut(encoding: str, pack: Pack, size: int) -> None:
    packed = pack(TEXT.encode())
    most = len(packed) - trailer_of(packed)
    for end in (*range(1, min(len(packed), 40)), len(packed) // 2, *range(most - 4, most)):
        with pytest.raises(BrokenEncoding):
            decoded(encoding, cut(packed[:end], size))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, two_members])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_whose_checksum_alone_is_missing_is_whole(pack: Pack, size: int) -> None:
    packed = pack(TEXT.encode())
    for missing in range(1, trailer_of(packed) + 1):
        assert decoded("gzip", cut(packed[:-missing], size)) == TEXT.encode()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_half_a_checksum_that_is_wrong_is_broken(pack: Pack) -> None:
    packed = bytearray(pack(TEXT.encode())[:-1])
    packed[1 - trailer_of(packed)] ^= 1
    with pytest.raises(BrokenEncoding):
        decoded("gzip", [bytes(packed)])


@pytest.mark.parametrize("wbits", [zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS])
def test_a_stream_that_was_flushed_and_not_ended_is_whole_when_http_says_so(wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(TEXT.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    for chunks in ([packed], cut(packed, 1)):
        body = Body("deflate", LIMIT)
        for chunk in chunks:
            body.add(chunk)
        with pytest.raises(BrokenEncoding):
            body.finish()
        assert body.finish(framed=True) == TEXT.encode()
    body = Body("deflate", LIMIT)
    body.add(packed[:-6])
    with pytest.raises(BrokenEncoding):
        body.finish(framed=True)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", two_members), ("zstd", two_frames)])
def test_a_body_cut_in_its_second_part_is_broken(encoding: str, pack: Pack) -> None:
    packed = pack(TEXT.encode())
    for end in range(len(packed) - 20, len(packed) - trailer_of(packed)):
        with pytest.raises(BrokenEncoding):
            decoded(encoding, cut(packed[:end], 50))


@pytest.mark.parametrize("size", [1, 5, 100_000])
@pytest.mark.parametrize("text", [f"<html>{TEXT}", f"\n <rss>{TEXT}", '{"items": []}', f"\ufeff{TEXT}"])
def test_a_document_that_was_never_packed_is_read_as_it_is(text: str, size: int) -> None:
    assert decoded("gzip", cut(text.encode(), size)) == text.encode()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_a_body_that_is_no_document_either_is_broken(encoding: str, size: int) -> None:
    with pytest.raises(BrokenEncoding):
        decoded(encoding, cut(f"not packed: {TEXT}".encode(), size))


@named(REAL)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_garbage_and_damage_raise_nothing_else(encoding: str, pack: Pack, data: st.DataObject) -> None:
    packed = bytearray(pack(TEXT.encode()))
    if data.draw(st.booleans(), "garbage"):
        packed[:] = data.draw(st.binary(max_size=300))
    else:
        for _ in range(data.draw(st.integers(1, 5))):
            packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(BrokenEncoding, TooLarge):
        decoded(encoding, cut(bytes(packed), data.draw(st.sampled_from([1, 10, 10_000]))))


@named([p for p in REAL if p[0] in ("gzip", "deflate", "zstd as a stream")])
def test_a_checksum_that_is_wrong_is_broken(encoding: str, pack: Pack) -> None:
    packed = bytearray(pack(TEXT.encode()))
    packed[-5 if encoding == "gzip" else -1] ^= 1
    with pytest.raises(BrokenEncoding):
        decoded(encoding, [bytes(packed)])


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("after", [b"junk", b"\0\0junk", b"\x1f", b"\0" * 5000, b"\x1fjunk"])
def test_what_follows_the_last_gzip_member_is_ignored(after: bytes, size: int) -> None:
    assert decoded("gzip", cut(gzip.compress(b"text") + after, size)) == b"text"


# --- What swells is stopped ---------------------------------------------------------------------------------------


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(BOMB // 1_000_000)) + packer.flush()


def many_members() -> bytes:
    return gzip.compress(bytes(100_000)) * 2000


def zstd_bomb() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(BOMB // 1_000_000)) + packer.flush()


def brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=5)
    return b"".join(packer.process(bytes(1_000_000)) for _ in range(BOMB // 1_000_000)) + packer.finish()


def bomb_in_bomb() -> bytes:
    return gzip.compress(gzip_bomb())


def bomb_of_layers() -> bytes:
    """Zeros that are gzip's padding: nothing in the end, and gigabytes in between."""
    return gzip.compress(gzip.compress(b"text") + bytes(BOMB))


BOMBS = [
    ("gzip within gzip", "gzip, gzip", bomb_in_bomb),
    ("much between two layers", "gzip, gzip", bomb_of_layers),
    ("gzip", "gzip", gzip_bomb),
    ("gzip of many members", "gzip", many_members),
    ("deflate", "deflate", lambda: zlib.compress(bytes(BOMB), 9)),
    ("deflate without header", "deflate", lambda: raw_deflate(bytes(BOMB))),
    ("brotli", "br", brotli_bomb),
    ("zstd", "zstd", zstd_bomb),
    ("zstd that states its size", "zstd", lambda: zstandard.ZstdCompressor().compress(bytes(BOMB))),
]


@pytest.mark.parametrize(("encoding", "make"), [b[1:] for b in BOMBS], ids=[b[0] for b in BOMBS])
@pytest.mark.parametrize("size", [100, WIRE_CHUNK, 10_000_000])
def test_a_bomb_is_stopped_at_the_limit_and_takes_little_memory(
    encoding: str, make: Callable[[], bytes], size: int
) -> None:
    chunks = list(cut(make(), size))
    tracemalloc.start()
    try:
        body = Body(encoding, LIMIT)
        with pytest.raises(TooLarge):
            for chunk in chunks:
                body.add(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.size <= LIMIT + 16 * 131_072  # a step of zstd is its smallest
    assert peak < ROOM


NOTHING = [
    # name, Content-Encoding, a beginning, and what can follow for ever without a byte of text
    ("junk after gzip", "gzip", gzip.compress(b"text"), b"junk" * 16_000),
    ("padding after gzip", "gzip", gzip.compress(b"text"), b"\0" * 64_000),
    ("empty members", "gzip", b"", gzip.compress(b"") * 3000),
    ("empty blocks of deflate", "deflate", zlib.compress(b"")[:2], b"\x00\x00\x00\xff\xff" * 12_000),
    ("empty frames of zstd", "zstd", b"", zstandard.ZstdCompressor().compress(b"") * 6000),
]


@pytest.mark.parametrize(("encoding", "start", "more"), [n[1:] for n in NOTHING], ids=[n[0] for n in NOTHING])
def test_bytes_without_end_that_stand_for_nothing_are_stopped_too(encoding: str, start: bytes, more: bytes) -> None:
    tracemalloc.start()
    try:
        body = Body(encoding, LIMIT)
        body.add(start)
        with pytest.raises(TooLarge):
            for _ in range(1000):
                body.add(more)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.size < 100
    assert peak < ROOM

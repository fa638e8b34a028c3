"""Files that are made while they are sent."""

import re
import threading
import zlib
from collections.abc import AsyncIterator, Generator, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header

from mlplatform.kernel.errors import Busy

# Each keeps a connection to the database as long as its reader takes.
AT_ONCE = 4
GZIP = 16 + zlib.MAX_WBITS
TAKES_GZIP = re.compile(r"(^|[\s,])gzip\s*(;(?!\s*q=0(\.0*)?\s*(,|$))|,|$)", re.IGNORECASE)
_room = threading.BoundedSemaphore(AT_ONCE)


def download(parts: Iterator[bytes], *, filename: str, content_type: str) -> StreamingHttpResponse:
    """The parts as one file. What goes wrong before the first of them is raised here. Raises Busy."""
    started = _counted(parts)
    first = next(started, b"")
    disposition = content_disposition_header(as_attachment=True, filename=filename) or "attachment"
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return StreamingHttpResponse(_sent(first, started), content_type=content_type, headers=headers)


def text_download(parts: Iterator[bytes], *, filename: str, accepted: str) -> StreamingHttpResponse:
    """The same for text, gzipped if that is among the encodings that the client has accepted."""
    takes_gzip = bool(TAKES_GZIP.search(accepted))
    response = download(
        _gzipped(parts) if takes_gzip else parts,
        filename=filename,
        content_type="text/plain; charset=utf-8",
    )
    if takes_gzip:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _gzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(6, zlib.DEFLATED, GZIP)
    for part in parts:
        if packed := compressor.compress(part):
            yield packed
    yield compressor.flush()


def _counted(parts: Iterator[bytes]) -> Generator[bytes]:
    if not _room.acquire(blocking=False):
        raise Busy(f"{AT_ONCE} files are being made already; try again when one of them is done.")
    try:
        yield from parts
    finally:
        _room.release()


async def _sent(first: bytes, rest: Generator[bytes]) -> AsyncIterator[bytes]:
    """Each part is made in the request's own thread, where its database connection is."""
    part: bytes | None = first
    try:
        while part is not None:
            yield part
            part = await sync_to_async(lambda: next(rest, None))()
    finally:
        await sync_to_async(rest.close)()

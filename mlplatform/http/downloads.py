"""Files that are made while they are sent."""

import threading
from collections.abc import AsyncIterator, Generator, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from mlplatform.kernel.errors import Busy

# Each keeps a connection to the database as long as its reader takes.
AT_ONCE = 4
_room = threading.BoundedSemaphore(AT_ONCE)


def download(parts: Iterator[bytes], *, filename: str, content_type: str) -> StreamingHttpResponse:
    """The parts as one file. What goes wrong before the first of them is raised here. Raises Busy."""
    started = _counted(parts)
    first = next(started, b"")
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(_sent(first, started), content_type=content_type, headers=headers)


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

"""Sockets that watch an experiment, as open pages do; prints how old what they hear is.

    python -m tests.benchmarks.listeners <url> <token> <metric> <how many>

Prints "watching" once all are open. After a line on its standard input it prints the ages in seconds, as JSON.
"""

# ruff: noqa: T201  # a command's output

import asyncio
import json
import sys
import time

from websockets.asyncio.client import connect

# All read, but only so many look at it: pages have CPUs of their own.
LOOKING = 10


async def listen(
    url: str, token: str, metric: str, ages: list[float], opened: asyncio.Semaphore, *, looks: bool
) -> None:
    """The metric's values are the times of their reports."""
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(
        url, additional_headers=headers, proxy=None, compression=None, max_size=None
    ) as socket:
        await socket.send(json.dumps({"watch": [metric]}))
        async for text in socket:
            now = time.time()
            assert isinstance(text, str)
            if text.startswith('{"watching"'):
                opened.release()
            if not looks:
                continue
            frame = json.loads(text)
            ages.extend(now - value for part in frame.get("points", ()) for value in part["values"])


async def main(url: str, token: str, metric: str, count: str) -> None:
    ages: list[float] = []
    opened = asyncio.Semaphore(0)
    tasks = [
        asyncio.create_task(listen(url, token, metric, ages, opened, looks=number < LOOKING))
        for number in range(int(count))
    ]
    for _ in tasks:
        await opened.acquire()
    print("watching", flush=True)
    ages.clear()
    await asyncio.to_thread(sys.stdin.readline)
    lost = sum(task.done() for task in tasks)
    print(json.dumps({"ages": ages, "lost": lost}), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

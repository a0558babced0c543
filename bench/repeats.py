"""A sender that is not sure: every tenth event is sent once more, on a connection of its own."""

from __future__ import annotations

import asyncio

from bench.load import Load, content_length

PAUSE = 0.02


class Repeats:
    """Sends again events that were acknowledged; the answers do not matter, the second copy does."""

    def __init__(self, load: Load, every: int) -> None:
        self.load, self.every = load, every
        self.sent = 0
        self._next = 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            while self._next < self.load.begun and self.load.times.acked[self._next]:
                if await self._once(self._next):
                    self.sent += 1
                    self._next += self.every

    async def _once(self, at: int) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.load.port)
            try:
                writer.write(self.load.shots.wire(at))
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(content_length(head, len(head) - 4))
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
            return False
        return head.split(b" ", 2)[1].startswith(b"2")

    async def finish(self) -> None:
        """Repeat what is left to repeat, at most ten seconds."""
        for _ in range(500):
            if self._next >= self.load.begun:
                break
            await asyncio.sleep(PAUSE)
        self._task.cancel()

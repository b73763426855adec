"""uvicorn's HTTP protocol with a limit on how long a request's head may take.

uvicorn itself waits for ever for the rest of a header, so a few hundred silent connections would take every file
descriptor of the process."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 5.0


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request head isn't complete within five seconds of its first byte (or of the
    connection, where nothing comes at all)."""

    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_is_there()
        self._impatience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_is_there(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

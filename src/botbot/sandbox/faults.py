"""Trouble on demand: the next calls that match are refused, delayed, cut or garbled, before or after their effect."""

import fnmatch
from dataclasses import asdict, dataclass, field
from typing import Any

from botbot.sandbox.limits import too_many


@dataclass
class Fault:
    """What happens to the next `times` matching calls, after `skip` that pass unharmed.

    `path` is a glob over the path below `/api/v10` (`/guilds/*/members/@me`; `*` also spans slashes). With
    `after_effect` the call does its work and only the answer is bad. `delay` seconds pass before the answer;
    `hang` seconds pass before the connection is closed without one; `reset` cuts it at once (TCP RST);
    `truncate` sends half the answer. `code` and `message` fill Discord's error body, `body` replaces it."""

    method: str
    path: str
    status: int | None = None
    code: int = 0
    message: str | None = None
    times: int = 1
    skip: int = 0
    after_effect: bool = False
    delay: float = 0
    hang: float | None = None
    reset: bool = False
    truncate: bool = False
    retry_after: float | None = None
    scope: str = "user"
    body: str | dict[str, Any] | list[Any] | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    without_via: bool = False
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatch.fnmatchcase(path, self.path)

    @property
    def changes_answer(self) -> bool:
        return self.status is not None or self.retry_after is not None or self.body is not None

    def answer(self) -> tuple[int, dict[str, Any] | list[Any] | str, dict[str, str]]:
        """Status, body and headers of the bad answer."""
        if self.retry_after is not None:
            limited = too_many(self.retry_after, scope=self.scope, code=self.code or None)
            return limited.status, self.body or limited.body or {}, {**limited.headers, **self.headers}
        status = self.status or 200
        body = {"message": self.message or f"{status}: Told to fail", "code": self.code}
        return status, body if self.body is None else self.body, self.headers


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault for this call that is due; it is used up after its `times`."""
        for fault in self._waiting:
            if not fault.matches(method, path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.hits += 1
            if fault.hits >= fault.times:
                self._waiting.remove(fault)
            return fault
        return None

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]

"""Workers by the dozen, each a process of its own that may be killed.

Starting Python and importing the product takes longer than a whole deployment. So one process imports it, and forks a
worker whenever it is told to on its standard input: one line of JSON with the settings in, one with the pid out."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
GONE_SECONDS = 20.0


class Nursery:
    """`fork()` answers a running worker's pid; on leaving, all of them are killed."""

    def __init__(self, settings: dict[str, str], log: Path) -> None:
        self._settings = settings
        self._log = log
        self._living: set[int] = set()

    async def __aenter__(self) -> "Nursery":
        with self._log.open("ab") as log:
            self._parent = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.nursery"),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        return self

    async def fork(self) -> int:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(self._settings).encode() + b"\n")
        await self._parent.stdin.drain()
        pid = int(await self._parent.stdout.readline())
        self._living.add(pid)
        return pid

    async def kill(self, *pids: int) -> None:
        """`kill -9`; returns when they are gone."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + GONE_SECONDS
        for pid in pids:
            while _is_there(pid):
                assert time.monotonic() < until, f"{pid} does not die"
                await asyncio.sleep(0.001)
        self._living -= {*pids}

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.kill(*self._living)
        self._parent.kill()
        await self._parent.wait()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """The parent: imports everything, then forks for every line."""
    import botbot.deployments.jobs
    import botbot.house
    import botbot.jobs.engine  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are really gone, and not waiting for us to look
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _work(json.loads(line))
        print(pid, flush=True)


def _work(environ: dict[str, str]) -> None:
    """What `botbot worker` does with sagas, and nothing else. Never returns."""
    from botbot import logs
    from botbot.settings import load_settings

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        settings = load_settings(environ, Path("/nonexistent"))
        logs.set_up(settings.log)
        asyncio.run(_run_sagas(settings))
    finally:
        os._exit(1)


async def _run_sagas(settings: "object") -> None:
    from botbot.deployments.jobs import saga_kinds
    from botbot.house import House
    from botbot.jobs.engine import SagaRunner

    house = House.build(settings)  # type: ignore[arg-type]
    runner = SagaRunner(house.db, house.signal, saga_kinds(house))
    await asyncio.gather(house.signal.listen(), runner.run_forever())


if __name__ == "__main__":
    main()

"""Our commands run to their end, as a person would from a shell."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

OURS = ("BOTBOT_", "DISCORD_", "OPENAI_", "DATABASE_URL", "REDIS_URL", "SENTRY_", "OTEL_")
SECONDS = 60.0


@dataclass
class Run:
    """A command's end. A `code` below zero is the signal that killed it."""

    code: int
    out: str
    err: str


async def botbot(*arguments: str, cwd: Path, **settings: str) -> Run:
    """`botbot …` with only these settings."""
    return await python("-m", "botbot.cli", *arguments, cwd=cwd, seconds=SECONDS, **settings)


async def python(*arguments: str, cwd: Path, seconds: float = SECONDS, **settings: str) -> Run:
    """This very Python, without what the surroundings set for us. Past `seconds` it is killed: `TimeoutError`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=cwd,
        env={**clean, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        raise
    return Run(process.returncode or 0, out.decode(), err.decode())

"""The product's own command in a process that answers questions about itself.

`python -m tests.bench.inside DIRECTORY COMMAND …`: SIGUSR1 writes the names of the live tasks to DIRECTORY/tasks.json;
the first SIGUSR2 begins to look at the stack every two milliseconds of CPU time, the second writes to
DIRECTORY/profile.txt where that time went."""

import asyncio
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

SAMPLE_SECONDS = 0.002
TASKS, PROFILE = "tasks.json", "profile.txt"
LINES = 60


def main() -> None:
    directory = Path(sys.argv[1])
    signal.signal(signal.SIGUSR1, lambda *_: _write_tasks(directory / TASKS))
    sampler = Sampler(directory / PROFILE)
    signal.signal(signal.SIGUSR2, lambda *_: sampler.toggle())
    from botbot.cli import main as command

    command(sys.argv[2:])


def _write_tasks(path: Path) -> None:
    names = sorted(task.get_name() for task in asyncio.all_tasks())
    staged = path.with_suffix(".part")
    staged.write_text(json.dumps(names))
    staged.rename(path)


class Sampler:
    """Counts where the interpreter is, and what called it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._itself: Counter[str] = Counter()
        self._whole: Counter[str] = Counter()
        self._is_on = False
        signal.signal(signal.SIGPROF, self._look)

    def toggle(self) -> None:
        self._is_on = not self._is_on
        pace = SAMPLE_SECONDS if self._is_on else 0.0
        signal.setitimer(signal.ITIMER_PROF, pace, pace)
        if not self._is_on:
            self._write()

    def _look(self, number: int, frame: FrameType | None) -> None:
        if frame is not None:
            self._itself[_name(frame)] += 1
        seen = set()
        while frame is not None:
            seen.add(_name(frame))
            frame = frame.f_back
        self._whole.update(seen)

    def _write(self) -> None:
        total = sum(self._itself.values()) or 1
        lines = [f"{total} samples", "", "itself:"]
        lines += [f"{count / total:7.1%}  {name}" for name, count in self._itself.most_common(LINES)]
        lines += ["", "with what it calls:"]
        lines += [f"{count / total:7.1%}  {name}" for name, count in self._whole.most_common(LINES)]
        staged = self._path.with_suffix(".part")
        staged.write_text("\n".join(lines) + "\n")
        staged.rename(self._path)


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-3:])}:{code.co_qualname}"


if __name__ == "__main__":
    main()

"""A pytest plugin: ends every run with what was skipped and why; with `--fail-on-skip` a skip fails the run."""

from collections import defaultdict

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="fail when anything was skipped")


class Skipped:
    """What this run did not do, by reason."""

    def __init__(self) -> None:
        self.by_reason: dict[str, list[str]] = defaultdict(list)

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.by_reason[reason.removeprefix("Skipped: ")].append(report.nodeid)


KEY = pytest.StashKey[Skipped]()


def pytest_configure(config: pytest.Config) -> None:
    skipped = config.stash[KEY] = Skipped()
    config.pluginmanager.register(_Listener(skipped), "botbot-skips")


class _Listener:
    def __init__(self, skipped: Skipped) -> None:
        self._skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._skipped.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._skipped.note(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reasons = config.stash[KEY].by_reason
    if not reasons:
        terminalreporter.write_line("Nothing was skipped.")
    for reason, tests in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped {len(tests)} × {reason} (first: {tests[0]})")
    if reasons and config.getoption("--fail-on-skip"):
        terminalreporter.write_line("--all allows no skip, so this run has failed.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == 0 and session.config.getoption("--fail-on-skip") and session.config.stash[KEY].by_reason:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

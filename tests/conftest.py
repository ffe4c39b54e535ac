"""What holds for every test: where it runs for others, none may be left out."""

import os

import pytest


class NoTestLeftOut:
    """Fails the run when a test was skipped or its failure expected."""

    def __init__(self) -> None:
        self._left_out: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._left_out.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped or hasattr(report, "wasxfail"):
            self._left_out.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._left_out:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test in self._left_out:
            terminalreporter.write_line(f"LEFT OUT {test}: a test must run here", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """With CI=true, as .ci/run sets it, be strict."""
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NoTestLeftOut())

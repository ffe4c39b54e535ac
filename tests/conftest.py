"""What holds for every test: where it runs for others, none may be left out; and what a run of
many, perhaps in several processes, tells at its end."""

import os

import pytest

from tests.faults.account import PROPERTY, Account


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


class FaultTable:
    """Prints, with a line per fault, what the fault laboratory has done."""

    def __init__(self) -> None:
        self._account = Account()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":  # the last one carries what the fixture added, too
            for name, value in report.user_properties:
                if name == PROPERTY and isinstance(value, str):
                    self._account.add(value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if lines := list(self._account.table()):
            terminalreporter.section("faults")
            for line in lines:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """With CI=true, as .ci/run sets it, be strict."""
    config.pluginmanager.register(FaultTable())
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NoTestLeftOut())

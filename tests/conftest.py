"""What holds for every test: where it runs for others, none may be left out; and what a run of
many, perhaps in several processes, tells at its end."""

import os
from pathlib import Path

import pytest

from tests.bench.table import machine
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
    """Prints, with a line per fault, what the fault laboratory has done; `file` gets it, too."""

    def __init__(self, file: Path | None) -> None:
        self._account = Account()
        self._file = file
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)
        if report.when == "teardown":  # the last one carries what the fixture added, too
            for name, value in report.user_properties:
                if name == PROPERTY and isinstance(value, str):
                    self._account.add(value, failed=report.nodeid in self._failed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if lines := list(self._account.table()):
            terminalreporter.section("faults")
            for line in lines:
                terminalreporter.write_line(line)
        if self._file and lines:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text("\n".join([machine(), "", *self._account.markdown()]) + "\n")
            terminalreporter.write_line(f"written to {self._file}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-report", type=Path, metavar="FILE", help="write the table of faults as Markdown"
    )


def pytest_configure(config: pytest.Config) -> None:
    """With CI=true, as .ci/run sets it, be strict."""
    config.pluginmanager.register(FaultTable(config.getoption("fault_report")))
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NoTestLeftOut())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The guided setup first: it waits for a minute and a half, and nobody should for it."""
    items.sort(key=lambda item: "tests/setup/" not in item.nodeid)

"""A pytest plugin that prints measurements of the tests, and seconds per part as the last lines.

`record_property("report", text)` adds a line, `record_property("seconds", (part, seconds))` the
duration of a part of the test.
"""

from collections import Counter, defaultdict
from pathlib import PurePosixPath

import pytest

_SLOW_SECONDS = 20

_seconds: defaultdict[str, float] = defaultdict(float)
_tests: Counter[str] = Counter()
_parts: defaultdict[str, float] = defaultdict(float)
_lines: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect durations in the main process, which sees the reports of all workers."""
    module = report.nodeid.partition("::")[0]
    _seconds[module] += report.duration
    if report.when != "call":
        return
    _tests[module] += 1
    for name, value in report.user_properties:
        if name == "report":
            _lines.append(str(value))
        elif name == "seconds" and isinstance(value, tuple | list):
            part, seconds = value
            _parts[str(part)] += float(seconds)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _lines:
        terminalreporter.section("measurements")
        terminalreporter.write("\n".join(sorted(_lines)) + "\n")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print after pytest's own last line."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(config, "workerinput") or not _tests or not terminal:
        return
    terminal.write_line("\nseconds of all workers, by part:")
    for folder in sorted({str(PurePosixPath(module).parent) for module in _seconds}):
        modules = [module for module in _seconds if str(PurePosixPath(module).parent) == folder]
        total = sum(_seconds[module] for module in modules)
        count = sum(_tests[module] for module in modules)
        terminal.write_line(f"{total:8.0f}  {folder} ({count} tests)")
        for module in sorted(modules, key=lambda module: -_seconds[module]):
            if _seconds[module] >= _SLOW_SECONDS:
                terminal.write_line(f"{_seconds[module]:8.0f}      {PurePosixPath(module).name}")
    for part, seconds in sorted(_parts.items(), key=lambda item: -item[1]):
        terminal.write_line(f"{seconds:8.0f}  {part}")
    terminal.write_line(f"{sum(_seconds.values()):8.0f}  all parts")

"""Due times of recurring tasks, in UTC.

They depend on nothing but the clock, so all processes compute the same ones.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

# Returns the first due time after the given time.
Schedule = Callable[[datetime], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_PERIOD = timedelta(seconds=1)


def periodic(period: timedelta) -> Schedule:
    """Return the multiples of the period since 1970-01-01 00:00."""
    if period < MIN_PERIOD:
        raise ValueError(f"the period of a recurring task must be at least {MIN_PERIOD}")
    return lambda now: EPOCH + ((now - EPOCH) // period + 1) * period


def parse_cron(line: str) -> Schedule:
    """Return the times of a cron line; raises CronSimError for an invalid one."""
    CronSim(line, EPOCH)
    return lambda now: next(CronSim(line, now))

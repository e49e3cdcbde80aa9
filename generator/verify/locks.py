"""Exclusive use of one of several equal resources, across threads and processes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def hold_any(locks: Sequence[Path]) -> Iterator[Path]:
    """Hold the first free lock; waits while all are held."""
    while True:
        for path in locks:
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield path
            finally:
                lock.release()
            return
        time.sleep(0.1)

"""One of several equal things, for as long as it is needed: threads and processes take turns."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def free_lock(locks: Sequence[Path]) -> Iterator[Path]:
    """Hold the first that nobody holds; wait where all are held."""
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

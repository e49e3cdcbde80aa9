"""Logins of one user at a steady rate, in a process of its own.

python -m benchmarks.logins PORT PER_SECOND SECONDS
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.load import log_in, register


def main(port: int, per_second: int, seconds: int) -> None:
    email = register(port)
    with ThreadPoolExecutor(per_second) as threads:
        attempts = []
        for _ in range(per_second * seconds):
            attempts.append(threads.submit(log_in, port, email))
            time.sleep(1 / per_second)
        for attempt in attempts:
            attempt.result()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

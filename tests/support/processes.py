"""Resources of running processes."""

import re
from pathlib import Path


def read_memory(pid: int) -> int:
    """Return the resident memory in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", status)[0])

"""Run a command from a process of its own; print seconds, processor seconds, peak (`ru_maxrss`).

A script without hasnet's imports: Linux counts what the parent holds while it starts a child as
memory of the child, and a small parent holds little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    if not hasattr(os, "wait4"):  # Windows
        code, processor, peak = process.wait(), 0.0, 0
    else:
        _, status, usage = os.wait4(process.pid, 0)
        code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss
        processor = usage.ru_utime + usage.ru_stime
    print(time.perf_counter() - start, processor, peak)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

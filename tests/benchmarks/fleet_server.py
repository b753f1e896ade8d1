"""Serve PROJECTS of INDEXES with BACKUPS each, after LATENCY seconds, until the input ends.

Then print how many requests came, the seconds of processor time, and how often each project's indexes were listed.
"""

import sys
import time

from support.fleet_server import FleetServer, build_projects


def main() -> None:
    """Serve until the input ends."""
    count, indexes, backups = map(int, sys.argv[1:4])
    with FleetServer(build_projects(count, indexes, backups), latency=float(sys.argv[4])) as server:
        started_at = time.process_time()
        print(server.url, flush=True)
        sys.stdin.read()
        read_counts = {server.index_reads[it] for it in range(count)}
        print(len(server.requests), time.process_time() - started_at, *sorted(read_counts), flush=True)


if __name__ == "__main__":
    main()

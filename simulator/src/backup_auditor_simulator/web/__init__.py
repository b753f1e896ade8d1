"""The simulated project on a socket: connections, faults, and the calls that control it."""

"""The simulated project on a socket: connections, faults, and what other processes steer it by."""

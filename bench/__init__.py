"""Throughput beside the peers, in one run on one broker: `make bench`."""

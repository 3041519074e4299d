"""What `make bench` runs: the targets of the design, on a cluster of its own, peers beside."""

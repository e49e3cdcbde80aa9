"""Services that ours is compared with: the routes that the benchmark calls, and no more."""

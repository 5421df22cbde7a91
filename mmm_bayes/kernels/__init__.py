"""The hot loops of the sampler, each with its own gradient: Numba, which knows nothing of graphs."""

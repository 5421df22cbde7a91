"""The hot loops of the sampler: operations of the graph with their own gradients, compiled by Numba."""

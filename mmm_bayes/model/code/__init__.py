"""From a graph to machine code that reads all numbers and sizes: one compilation serves every panel of a structure."""

"""The exact method: arrays in, spends and their certificate out."""

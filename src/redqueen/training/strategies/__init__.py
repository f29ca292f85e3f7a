"""Continual training: what a detector learns from at each cutoff, and where it starts. One strategy, one file."""

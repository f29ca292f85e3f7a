"""Collages and digital drawings as people made them before diffusion, out of human-made material."""

"""Figures, page and terminal table."""

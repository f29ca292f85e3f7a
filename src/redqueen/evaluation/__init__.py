"""Predictions, protocols and results."""

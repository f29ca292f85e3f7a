"""Fitting detectors."""

"""Dated, documented, unbiased pictures: sources, treatment, splits, matching, audit."""

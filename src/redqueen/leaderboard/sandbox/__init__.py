"""A process of its own for a submitted detector: pixels in, numbers out, and nothing else within reach.

These are limits, not a jail. What is built there is a detector of this package with the submitted weights in it
(`training/restored.py`), so that hostile code has no way in; the limits hold should it find one.
"""

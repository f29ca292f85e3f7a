"""Judging pictures that somebody has in hand: verdicts, what they rest on, and strangers' files kept at a distance."""

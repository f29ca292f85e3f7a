"""Has a detector got worse? Paired gates on the scores of a candidate and its baselines."""

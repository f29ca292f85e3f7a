"""Where pictures come from: one file per source."""

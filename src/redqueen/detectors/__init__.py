"""One published method per file, behind one interface."""

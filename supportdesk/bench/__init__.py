"""Performance bars: what a promise of speed is worth, measured as a ratio to a reference in the same run."""

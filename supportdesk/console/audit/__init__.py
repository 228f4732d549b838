"""The event log as people read it: a trail with filters, what a change changed, one thing's whole story, and a file to take away."""

"""Two workspaces that look alike in everything, and one person who works in both."""

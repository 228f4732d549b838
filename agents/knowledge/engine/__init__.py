"""The retrieval engine: text to passages, passages to indexes, a question to the few passages that may answer it. Knows no Django."""

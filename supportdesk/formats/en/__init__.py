"""English, day first and 24 hours, as the console writes them."""

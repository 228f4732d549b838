"""The reference of the web bars: the same frameworks with the least code that can answer. Imports nothing of the product."""

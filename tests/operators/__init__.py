"""The platform operators' site: who may be there, what it shows, and that everything is written down."""

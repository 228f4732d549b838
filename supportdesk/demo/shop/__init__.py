"""The demo shop: a small order system of its own, in its own process, that SupportDesk talks to only over HTTP."""

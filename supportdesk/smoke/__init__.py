"""Journeys through the public surfaces of a running server: HTTP and WebSocket only, no ORM, no settings of the server."""

"""What sockets need after them comes from the console's tests."""

from tests.console.conftest import tail_ends

__all__ = ["tail_ends"]

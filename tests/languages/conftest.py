"""Norrholt's workspace, for turns of the real runtime."""

from tests.agents.fixtures import *  # noqa: F403

"""Norrholt's workspace for every test here."""

from tests.agents.fixtures import *  # noqa: F403

"""The trace: each step of a run, written as it happens and never changed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F

from agents.runtime.models import AgentRun, Step
from supportdesk.core import presence


@dataclass
class Timer:
    """Milliseconds since it began."""

    began: float

    @property
    def milliseconds(self) -> int:
        """Whole milliseconds so far."""
        return int((time.perf_counter() - self.began) * 1000)


class Trace:
    """Numbers and stores the steps of one run, and shows its progress while it works."""

    def __init__(self, run: AgentRun) -> None:
        self.run = run
        self._number = 0

    def step(
        self,
        kind: Step.Kind,
        name: str,
        *,
        input: dict[str, Any] | None = None,
        output: dict[str, Any] | None = None,
        call_id: UUID | None = None,
        tokens: tuple[int, int] = (0, 0),
        milliseconds: int = 0,
    ) -> Step:
        """Append the next step; `tokens` are (input, output)."""
        self._number += 1
        if any(tokens):
            AgentRun.objects.filter(pk=self.run.pk).update(
                input_tokens=F("input_tokens") + tokens[0], output_tokens=F("output_tokens") + tokens[1]
            )
        stored: Step = Step.objects.create(
            run=self.run,
            number=self._number,
            kind=kind,
            name=name[:60],
            input=input or {},
            output=output or {},
            call_id=call_id,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            milliseconds=milliseconds,
        )
        return stored

    def stage(self, stage: str, detail: str = "") -> None:
        """Tell open pages what the agent does right now."""
        presence.show(self.run.ticket_id, "progress", stage=stage, detail=detail, run=self.run.pk)


@contextmanager
def timed() -> Iterator[Timer]:
    """Measure a block."""
    yield Timer(time.perf_counter())

"""The trace: each step of a run, numbered as it happens and never changed; written together with what they led to."""

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
    """Numbers and stores the steps of one run, and shows its progress while it works.

    Steps wait in memory until `flush`: after each answer of a model, and with what the turn came to. A worker that is killed in between
    loses what it had only thought since; what it wanted done stands in the ledger of calls.
    """

    def __init__(self, run: AgentRun) -> None:
        self.run = run
        self._number = 0
        self._waiting: list[Step] = []
        self._shown = ("", "")

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
    ) -> None:
        """Append the next step; `tokens` are (input, output)."""
        self._number += 1
        step = Step(
            tenant_id=self.run.tenant_id,
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
        self._waiting.append(step)

    def flush(self) -> None:
        """Write the steps that wait, and add up their tokens."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        Step.objects.bulk_create(waiting)
        spent = sum(step.input_tokens for step in waiting), sum(step.output_tokens for step in waiting)
        if any(spent):
            mine = AgentRun.objects.filter(pk=self.run.pk)
            mine.update(input_tokens=F("input_tokens") + spent[0], output_tokens=F("output_tokens") + spent[1])

    def stage(self, stage: str, detail: str = "") -> None:
        """Tell open pages what the agent does right now."""
        if (stage, detail) == self._shown:
            return
        self._shown = (stage, detail)
        presence.show(self.run.ticket_id, "progress", stage=stage, detail=detail, run=self.run.pk)


@contextmanager
def timed() -> Iterator[Timer]:
    """Measure a block."""
    yield Timer(time.perf_counter())

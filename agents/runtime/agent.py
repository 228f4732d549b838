"""One turn with LangChain: create_agent without a checkpointer, and the gateway in `after_model` in the caller's own thread.

Models only ever propose. Every tool they want is answered by code; a reply is text until the checks have passed it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelFallbackMiddleware, hook_config
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from agents.actions.authority import Authority
from agents.actions.gateway import Answer, propose
from agents.actions.models import ToolCall
from agents.actions.tools import TOOLS, BadArguments
from agents.knowledge import search
from agents.knowledge.engine.fuse import FLOOR
from agents.releases.models import Release
from agents.runtime.chain import chat_models
from agents.runtime.models import Step
from agents.runtime.trace import Trace, timed
from supportdesk.core.suspension import must_be_active
from supportdesk.core.switches import is_stopped
from supportdesk.core.tenancy import acting_tenant
from tickets.errors import Stale
from tickets.models import Handler, Ticket

MODEL_CALLS = 6
TOOL_CALLS = 8
SECONDS = 60
STAGES = {
    "search_knowledge": "searching",
    "get_order": "looking_up",
    "find_orders": "looking_up",
    "find_subscriptions": "looking_up",
}


@dataclass
class Turn:
    """What a turn came to: a reply to be checked, or an outcome that code decided."""

    outcome: str = "reply"
    text: str = ""
    reason: str = ""
    question: str = ""
    call: ToolCall | None = None
    texts: list[str] = field(default_factory=list)
    found: bool = False
    looked_up: bool = False


class Gateway(AgentMiddleware):  # type: ignore[misc]
    """Answer every tool the model wants from code: reads run, writes only leave a ToolCall behind; bound the turn."""

    def __init__(self, *, authority: Authority, release: Release, trace: Trace, turn: Turn) -> None:
        super().__init__()
        self.authority, self.release, self.trace, self.turn = authority, release, trace, turn
        self.deadline = time.monotonic() + SECONDS
        self.model_calls = self.tool_calls = 0
        self.seen: dict[str, str] = {}

    @hook_config(can_jump_to=["end"])  # type: ignore[untyped-decorator]
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """End the turn when its ticket moved on, the switch was flipped, or it used up its share.

        Raises:
            Stale: a newer message, a takeover or a newer run has the ticket.
            Suspended: the workspace is, by now.
        """
        must_be_active()
        ticket = self.authority.ticket
        if not Ticket.objects.filter(pk=ticket.pk, turn=self.authority.turn or 0, handler=Handler.AI).exists():
            raise Stale("The ticket moved on.")
        if switch := is_stopped():
            return self._end("escalate", "ai_off", switch.reason)
        if self.model_calls >= MODEL_CALLS or time.monotonic() > self.deadline:
            return self._end("escalate", "repeated_failure", "The turn used up its calls or its time.")
        self.model_calls += 1
        self.trace.stage("writing" if self.turn.found or self.turn.texts else "reading")
        return None

    @hook_config(can_jump_to=["model", "end"])  # type: ignore[untyped-decorator]
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Answer the calls of the newest message, in order; jump back to the model, or end where somebody else speaks next."""
        newest: AIMessage = state["messages"][-1]
        for broken in newest.invalid_tool_calls:
            # A call whose JSON does not parse is no call: the model is told, nothing is guessed.
            self.trace.step(Step.Kind.CALL, broken.get("name") or "?", output={"status": "invalid", "why": "arguments are no JSON"})
        if newest.invalid_tool_calls and not newest.tool_calls:
            return self._end("escalate", "tool_failed", "The model's call could not be read.")
        if not newest.tool_calls:
            self.turn.text = newest.text if isinstance(newest.text, str) else newest.text()
            return None
        answers: list[AnyMessage] = []
        for wanted in newest.tool_calls:
            self.tool_calls += 1
            if self.tool_calls > TOOL_CALLS:
                return self._end("escalate", "repeated_failure", "The turn wanted too many calls.")
            if wanted["name"] in ("escalate", "resolve"):
                self.turn.text = newest.text if isinstance(newest.text, str) else newest.text()
                return self._control(wanted["name"], wanted["args"])
            said = self._answer(wanted["name"], wanted["args"])
            answers.append(ToolMessage(said, tool_call_id=wanted["id"] or ""))
            if self.turn.outcome != "reply":
                return {"messages": answers, "jump_to": "end"}
        return {"messages": answers, "jump_to": "model"}

    def _answer(self, name: str, arguments: dict[str, Any]) -> str:
        key = json.dumps([name, arguments], sort_keys=True, default=str)
        if key in self.seen:
            return self.seen[key]
        self.trace.stage(STAGES.get(name, "checking"), str(arguments.get("order_number", "")))
        said = self._search(arguments) if name == "search_knowledge" else self._propose(name, arguments)
        self.seen[key] = said
        self.turn.texts.append(said)
        return said

    def _search(self, arguments: dict[str, Any]) -> str:
        tool = TOOLS["search_knowledge"]
        if tool.name not in self.authority.tools:
            return Answer("invalid", "There is no tool 'search_knowledge' here.").for_model()
        try:
            query = tool.parse(arguments)["query"]
        except BadArguments as error:
            return Answer("invalid", str(error)).for_model()
        ticket = self.authority.ticket
        with timed() as timer:
            hits = search.find(
                query,
                snapshot=self.release.snapshot,
                language=ticket.language or "en",
                limit=int(self.release.retrieval.get("limit", 5)),
                embedder_spec=str(self.release.retrieval.get("embedder", "")),
                brand_id=ticket.brand_id,
            )
        sources = [self._cite(hit) for hit in hits]
        self.turn.found = self.turn.found or bool(sources)
        self.trace.step(
            Step.Kind.RETRIEVAL,
            tool.name,
            input={"query": query},
            output={"hits": sources, "floor": FLOOR},
            milliseconds=timer.milliseconds,
        )
        return Answer("ok" if sources else "not_found", sources=sources).for_model()

    def _cite(self, hit: search.Hit) -> dict[str, Any]:
        ticket = self.authority.ticket
        number = self.authority.cite(
            hit.title,
            hit.text,
            heading=hit.heading,
            url=article_url(ticket, hit.slug, hit.language),
            score=hit.confidence,
            language=hit.language,
            passage=hit.passage_id,
            article=hit.article_id,
        )
        return self.authority.sources[number - 1]

    def _propose(self, name: str, arguments: dict[str, Any]) -> str:
        with timed() as timer:
            answer = propose(self.authority, name=name, arguments=arguments)
        self.trace.step(
            Step.Kind.CALL,
            name,
            input=arguments if isinstance(arguments, dict) else {"arguments": str(arguments)[:500]},
            output={
                "status": answer.status,
                "message": answer.message,
                "verdict": answer.decision.verdict.code if answer.decision else "",
                "decision": answer.decision.as_json() if answer.decision else {},
                "facts": answer.facts,
                "data": answer.data,
            },
            call_id=answer.call.pk if answer.call else None,
            milliseconds=timer.milliseconds,
        )
        self.turn.looked_up = self.turn.looked_up or answer.status == "ok"
        if answer.ends_turn:
            self.turn.outcome, self.turn.call = answer.status, answer.call
        return answer.for_model()

    def _control(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            parsed = TOOLS[name].parse(arguments)
        except BadArguments as error:
            parsed = {"reason": "other", "question": str(error)}
            name = "escalate"
        if name == "resolve":
            return self._end("resolve", "", str(parsed.get("summary", "")))
        return self._end("escalate", parsed["reason"], parsed["question"])

    def _end(self, outcome: str, reason: str, question: str) -> dict[str, Any]:
        self.turn.outcome, self.turn.reason, self.turn.question = outcome, reason, question
        return {"jump_to": "end"}


class Recorder(AgentMiddleware):  # type: ignore[misc]
    """Innermost: records each model call with its name, tokens and latency, failed ones too."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]) -> ModelResponse[Any]:
        """Pass the request on and write the step."""
        name = str(getattr(request.model, "model_name", "") or getattr(request.model, "model", "") or type(request.model).__name__)
        with timed() as timer:
            try:
                response = handler(request)
            except Exception as error:
                self.trace.step(
                    Step.Kind.MODEL,
                    name,
                    input={"messages": len(request.messages)},
                    output={"error": type(error).__name__},
                    milliseconds=timer.milliseconds,
                )
                raise
        newest = next((each for each in reversed(response.result) if isinstance(each, AIMessage)), None)
        usage = newest.usage_metadata if newest else None
        self.trace.step(
            Step.Kind.MODEL,
            str(newest.response_metadata.get("model_name", name)) if newest else name,
            input={"messages": len(request.messages)},
            output={
                "text": str(newest.text)[:2000] if newest else "",
                "calls": [call["name"] for call in newest.tool_calls] if newest else [],
            },
            tokens=(usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0),
            milliseconds=timer.milliseconds,
        )
        self.trace.flush()
        return response


def article_url(ticket: Ticket, slug: str, language: str) -> str:
    """Where the customer reads the article."""
    return f"/help/{acting_tenant().slug}/{ticket.brand.key}/{language}/{slug}/"


def think(*, authority: Authority, release: Release, trace: Trace, prompt: str, messages: list[AnyMessage]) -> Turn:
    """Run one turn to its end; nothing outside the database has changed when it returns.

    Raises:
        Stale: the ticket moved on meanwhile.
        Exception: whatever the last model of the chain raised.
    """
    turn = Turn()
    first, *rest = chat_models(release.model_chain)
    gateway = Gateway(authority=authority, release=release, trace=trace, turn=turn)
    middleware: list[Any] = [gateway, *([ModelFallbackMiddleware(*rest)] if rest else []), Recorder(trace)]
    wanted = [TOOLS[name].for_model() for name in release.tools if name in TOOLS]
    agent = create_agent(first, tools=wanted, system_prompt=prompt, middleware=middleware)
    agent.invoke({"messages": messages}, config={"recursion_limit": 60})
    return turn

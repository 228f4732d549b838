"""The bar `turn`: one question answered with a citation by the built-in model, against the same turn of LangChain alone."""

from statistics import median
from typing import Any

from supportdesk.bench import ground
from supportdesk.bench.harness import Bar, Result, interleave

BAR = Bar(
    "turn",
    "Milliseconds of one answered question, from job to commit on SQLite, against create_agent alone: same model, tools and middlewares.",
    2.0,
    "ms",
)
TURNS = 5
QUESTION = "Can I return hiking boots that I only wore once on a carpet at home?"


def measure(pairs: int) -> list[Result]:
    """Both sides in one process, so that they share a warm model and search index."""
    with ground.folder() as var:
        env = ground.environment(var)
        ground.migrate(env)
        with ground.Side("supportdesk.bench.turn:open_turns", env) as side:

            def sample(**request: Any) -> float:
                return float(median(side.ask(turns=TURNS, **request)["milliseconds"]))

            found = interleave(lambda: sample(side="ours"), lambda: sample(side="bare"), pairs)
            long = interleave(lambda: sample(side="ours", messages=30), lambda: sample(side="bare", messages=30), 5)
            built = interleave(lambda: sample(side="ours"), lambda: sample(side="built"), 5)
            few, many = (int(side.ask(turns=1, side="ours", messages=n, count=True)["statements"]) for n in (2, 30))
    checks = {f"{few} SQL statements a turn, {many} on a ticket of 30 messages": few == many}
    also = {
        "a ticket of 30 messages, ratio": f"{median(pair.ratio for pair in long):.2f} ({median(pair.ours for pair in long):.1f} ms)",
        "against an agent built beforehand, ratio": f"{median(pair.ratio for pair in built):.2f}",
    }
    return [Result(BAR, found, checks, also)]


def open_turns() -> Any:
    """In a process of its own: the demo workspace; each request takes some turns on fresh tickets."""
    import time

    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from langchain.agents import create_agent
    from langchain.agents.middleware import AgentMiddleware
    from langchain_core.tools import StructuredTool

    from agents.actions.gateway import Answer
    from agents.actions.tools import TOOLS
    from agents.releases.models import Label
    from agents.runtime import transcript, turns
    from agents.runtime.builtin.model import BuiltinChatModel
    from agents.runtime.models import AgentRun, Step
    from supportdesk.core.tenancy import acting_for
    from supportdesk.demo import workspace
    from tickets.identity import Level
    from tickets.models import Author, Channel, Message, Ticket
    from tickets.receiving import open_session, receive_chat_message
    from tickets.writing import append, locked

    class Before(AgentMiddleware):  # type: ignore[misc]
        """Passes, where the product's gateway stands."""

        def before_model(self, state: Any, runtime: Any) -> None:
            """Nothing."""

        def after_model(self, state: Any, runtime: Any) -> None:
            """Nothing."""

    class Around(AgentMiddleware):  # type: ignore[misc]
        """Passes, where the product's recorder stands."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            """The call itself."""
            return handler(request)

    workspace.FIRST_MESSAGES = ()  # type: ignore[assignment]
    tenant = workspace.build()
    turns.warm_up()

    def asked(messages: int) -> Ticket:
        """A fresh ticket with so many messages, the question last."""
        session, _token = open_session(Channel.objects.select_related("brand").get(key="chat"))
        ticket = receive_chat_message(session=session, body="Hello", client_id="0").ticket
        for index in range(messages - 2):
            append(locked(ticket.pk), author=(Author.AI, Author.CUSTOMER)[index % 2], body=f"Message {index} of a talk.")
        receive_chat_message(session=session, body=QUESTION, client_id="1")
        found: Ticket = Ticket.objects.select_related("brand", "customer", "channel", "tenant").get(pk=ticket.pk)
        return found

    def ours(ticket: Ticket) -> None:
        turns.start_run(ticket.pk)

    def is_answered(ticket: Ticket) -> bool:
        last = Message.objects.filter(ticket=ticket).order_by("-seq")[0]
        return bool(last.author == Author.AI and last.citations)

    def canned(result: str) -> list[StructuredTool]:
        return [
            StructuredTool.from_function(lambda **_: result, name=tool.name, description=tool.schema.__doc__ or "", args_schema=tool.schema)
            for tool in TOOLS.values()
        ]

    def agent_for(ticket: Ticket) -> Any:
        prompt = transcript.system_prompt(run, body, ticket, Level.NONE)
        return create_agent(BuiltinChatModel(), tools=tools, system_prompt=prompt, middleware=[Before(), Around()])

    with acting_for(tenant):
        first = asked(2)
        ours(first)
        if not is_answered(first):
            raise AssertionError("the question is not answered with a citation")
        run = AgentRun.objects.get(ticket=first)
        hits = Step.objects.filter(run=run, kind=Step.Kind.RETRIEVAL)[0].output["hits"]
        tools = canned(Answer("ok", sources=hits).for_model())
        body = Label.objects.filter(name="live")[0].release.prompt_version.content["body"]

    def timed(side: str, messages: int) -> float:
        ticket = asked(messages)
        talk, agent = transcript.messages_of(ticket), agent_for(ticket) if side == "built" else None
        began = time.perf_counter()
        if side == "ours":
            ours(ticket)
        else:
            told = (agent or agent_for(ticket)).invoke({"messages": talk})
        took = (time.perf_counter() - began) * 1000
        if not (is_answered(ticket) if side == "ours" else "[1]" in told["messages"][-1].text):
            raise AssertionError(f"{side}: the question is not answered with a citation")
        return took

    def answer(side: str, turns: int, messages: int = 2, count: bool = False) -> dict[str, Any]:
        with acting_for(tenant):
            if not count:
                return {"milliseconds": [timed(side, messages) for _ in range(turns)]}
            ticket = asked(messages)
            with CaptureQueriesContext(connection) as captured:
                ours(ticket)
            return {"statements": len(captured), "sql": [query["sql"][:200] for query in captured.captured_queries]}

    return answer

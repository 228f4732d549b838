"""A message comes in, and the customer gets an answer or a person: once, and never neither."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from langchain_core.messages import AIMessage

from agents.knowledge.models import Passage
from agents.runtime import chain
from agents.runtime.models import AgentRun, Step
from agents.runtime.outcomes import renumbered
from agents.runtime.turns import start_run
from supportdesk.core import jobs
from supportdesk.core.database import ON_POSTGRES
from supportdesk.core.events import Actor
from supportdesk.core.models import Event, Job, KillSwitch
from tests.agents.desk import Chat, Desk, work
from tests.agents.models import Reply, ScriptedModel, in_turn, wants
from tickets import verbs
from tickets.models import Author, Handler, Kind, Ticket
from tickets.writing import append, locked

pytestmark = pytest.mark.usefixtures("promises")
QUESTION = "How long can I return boots I only wore indoors?"
Put = Callable[..., ScriptedModel]


@pytest.fixture
def put_model(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put scripted models under the names of the chain; without names, under `builtin`."""

    def put(*replies: Reply, script: Callable[..., Reply] | None = None) -> ScriptedModel:
        model = ScriptedModel(script=script or in_turn(*replies))
        monkeypatch.setattr(chain, "chat_model", lambda _name: model)
        return model

    return put


def step_names(chat: Chat) -> list[str]:
    return [step.kind for step in chat.steps()]


def test_a_question_is_answered_with_citations_that_exist(desk: Desk) -> None:
    chat = desk.chat()
    chat.says(QUESTION)
    [answer] = chat.said
    assert "60 days" in answer.body
    assert "[1]" in answer.body
    quote = answer.citations[0]["quote"]
    assert Passage.objects.filter(text__startswith=quote[:80], article__status="published").exists()
    assert answer.citations[0]["url"].startswith("/help/norrholt/norrholt/en/")
    assert (chat.ticket.status, chat.ticket.handler, chat.ticket.waiting_since) == ("pending", "ai", None)


@pytest.mark.parametrize(
    ("question", "language", "part"),
    [
        ("Wie lange kann ich Schuhe zurückgeben, die ich nur drinnen getragen habe?", "de", "60 Tage"),
        ("¿Cuánto tardan en devolverme el dinero?", "es", "días"),
    ],
)
def test_an_answer_comes_in_the_language_of_the_question(desk: Desk, question: str, language: str, part: str) -> None:
    chat = desk.chat()
    chat.says(question)
    assert part in chat.last.body
    assert chat.ticket.language == language
    assert f"/{language}/" in chat.last.citations[0]["url"]


def test_a_burst_of_three_messages_becomes_one_reply(desk: Desk) -> None:  # reliability 63
    chat = desk.chat()
    for text in ("Hello", "I have a question", QUESTION):
        chat.says(text, then_work=False)
    assert Job.objects.filter(name="runtime.start_run", state="queued").count() == 1
    work()
    assert len(chat.said) == 1
    assert "60 days" in chat.last.body
    assert chat.ticket.answered_seq == chat.ticket.asked_seq == 3


def test_a_message_delivered_twice_is_answered_once(desk: Desk) -> None:  # reliability 40, 51
    chat = desk.chat()
    first = chat.says(QUESTION, client_id="same")
    again = chat.says(QUESTION, client_id="same")
    assert first.pk == again.pk
    assert [row.author for row in chat.messages()] == ["customer", "ai"]


def test_an_unanswerable_question_goes_to_a_person_with_a_complete_packet(desk: Desk) -> None:  # reliability 34
    chat = desk.chat()
    chat.says("Do you rent out tents for a wedding?")
    assert chat.is_with_a_person
    packet = chat.escalation.packet
    assert packet["reason"] == chat.escalation.reason == "no_answer"
    assert packet["question"] == "Do you rent out tents for a wedding?"
    assert (packet["language"], packet["identity"], packet["sentiment"]) == ("en", "none", "neutral")
    assert packet["run"] == chat.runs[-1].pk
    assert packet["suggested_queue"] == chat.ticket.queue_id
    assert packet["routed_by"]
    assert chat.messages(Kind.NEWS)[-1].data["code"] == "escalated"
    assert chat.ticket.waiting_since is not None


@pytest.mark.parametrize(
    "words",
    [
        "I want to talk to a human",
        "can i speak with a real person please",
        "Ich möchte mit einem Menschen sprechen",
        "Bitte verbinden Sie mich mit einem Mitarbeiter",
        "Quiero hablar con una persona",
        "Je voudrais parler à un humain",
        "أريد التحدث إلى شخص",
    ],
)
def test_whoever_asks_for_a_person_gets_one(desk: Desk, words: str) -> None:  # reliability 36
    chat = desk.chat()
    chat.says(words)
    assert chat.is_with_a_person
    assert chat.escalation.reason == "asked_for_human"
    assert chat.said


@pytest.mark.parametrize(
    "words",
    [
        "THIS IS RIDICULOUS. Third time I write about my invoice and nobody helps!",
        "Das ist eine Unverschämtheit, ich bin stinksauer!",
    ],
)
def test_an_angry_customer_is_passed_on(desk: Desk, words: str) -> None:  # reliability 36
    chat = desk.chat()
    chat.says(words)
    assert chat.escalation.reason == "angry"
    assert chat.escalation.packet["sentiment"] == "upset"


def test_a_run_is_silent_when_a_newer_message_arrives_while_it_thinks(desk: Desk, put_model: Put) -> None:  # reliability 63
    chat = desk.chat()
    interrupted: list[bool] = []

    def script(_messages: object) -> AIMessage:
        if not interrupted:
            interrupted.append(True)
            chat.says("And one more thing: thank you!", then_work=False)
            return AIMessage("An answer to the first message alone.")
        return AIMessage("An answer to both.")

    put_model(script=script)
    chat.says("Hi there")
    assert [row.body for row in chat.said] == ["An answer to both."]
    assert [run.state for run in chat.runs] == ["stale", "done"]


def test_a_run_is_silent_when_a_teammate_takes_over_while_it_thinks(desk: Desk, put_model: Put) -> None:  # reliability 64
    chat = desk.chat()

    def script(_messages: object) -> AIMessage:
        verbs.take_over(ticket_id=chat.ticket.pk, by=desk.teammate())
        return AIMessage("Too late.")

    put_model(script=script)
    chat.says("Hi there")
    assert chat.said == []
    assert [run.state for run in chat.runs] == ["stale"]
    assert chat.ticket.handler == Handler.HUMAN


def test_a_run_leaves_no_call_behind_when_a_teammate_takes_over_while_it_thinks(desk: Desk, put_model: Put) -> None:  # reliability 64
    chat = desk.proven("ida@mail.example")

    def script(_messages: object) -> AIMessage:
        verbs.take_over(ticket_id=chat.ticket.pk, by=desk.teammate())
        return wants(("create_refund", {"order_number": "N-20377", "reason": "too small"}))

    put_model(script=script)
    said = len(chat.said)
    chat.says("Refund N-20377")
    assert chat.calls == []
    assert len(chat.said) == said


def test_a_run_that_escalates_is_silent_when_a_teammate_was_quicker(desk: Desk, put_model: Put) -> None:  # reliability 64
    chat = desk.chat()

    def script(_messages: object) -> AIMessage:
        verbs.take_over(ticket_id=chat.ticket.pk, by=desk.teammate())
        return wants(("escalate", {"reason": "other", "question": "?"}))

    put_model(script=script)
    chat.says("Hi there")
    assert chat.said == []
    assert chat.ticket.escalations.count() == 0


def test_what_was_asked_during_a_takeover_is_answered_after_the_hand_back(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("Hello")
    mira = desk.teammate()
    verbs.take_over(ticket_id=chat.ticket.pk, by=mira)
    said = len(chat.said)
    chat.says(QUESTION)
    assert len(chat.said) == said
    verbs.hand_back(ticket_id=chat.ticket.pk, by=mira)
    work()
    assert "60 days" in chat.last.body


def test_a_job_that_runs_again_does_not_answer_again(desk: Desk) -> None:  # reliability 56
    chat = desk.chat()
    chat.says(QUESTION)
    for trigger in ("message", "message", "handed_back"):
        start_run(chat.ticket.pk, trigger)
    assert len(chat.said) == 1


def leave_a_dead_run(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker begins and is gone before it says anything."""
    with monkeypatch.context() as patched:
        patched.setattr("agents.runtime.turns._take_turn", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            start_run(chat.ticket.pk)
    assert [run.state for run in chat.runs] == ["running"]


def test_a_run_that_died_is_replaced_by_the_next_attempt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # reliability 56
    chat = desk.chat()
    chat.says(QUESTION, then_work=False)
    leave_a_dead_run(chat, monkeypatch)
    work()
    assert [run.state for run in chat.runs] == ["stale", "done"]
    assert len(chat.said) == 1


def test_a_run_that_died_before_a_takeover_is_ended_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # reliability 56, 64
    chat = desk.chat()
    chat.says(QUESTION, then_work=False)
    leave_a_dead_run(chat, monkeypatch)
    verbs.take_over(ticket_id=chat.ticket.pk, by=desk.teammate())
    work()
    assert [run.state for run in chat.runs] == ["stale"]
    assert chat.said == []


def test_a_job_that_dies_passes_the_customer_to_a_person(desk: Desk, put_model: Put) -> None:  # reliability 60
    put_model(RuntimeError("no model here"))
    chat = desk.chat()
    chat.says(QUESTION)
    assert Job.objects.get(name="runtime.start_run").state == Job.State.DEAD
    assert chat.is_with_a_person
    assert chat.escalation.reason == "run_failed"
    assert "no model here" not in chat.shown
    assert [run.state for run in chat.runs] == ["failed"] * 3


def test_a_worker_that_keeps_dying_passes_the_customer_to_a_person(desk: Desk) -> None:  # reliability 56
    chat = desk.chat()
    chat.says(QUESTION, then_work=False)
    job = Job.objects.get(name="runtime.start_run")
    AgentRun.objects.create(ticket=chat.ticket, turn=chat.ticket.turn, trigger="message", cause="message:1", lease_until=job.run_at)
    Event.objects.create(
        tenant=desk.tenant, code="run.started", actor_kind="ai", ticket_id=chat.ticket.pk, subject={"run": chat.runs[0].pk}
    )
    Job.objects.filter(pk=job.pk).update(state="running", attempts=job.max_attempts, lease_until=job.created_at, lease_owner="gone")
    assert jobs.sweep() == 1
    assert chat.escalation.reason == "run_failed"
    assert [run.state for run in chat.runs] == ["failed"]


def test_the_next_model_of_the_chain_answers_when_the_first_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # reliability 60
    genuine = chain.chat_model("builtin")
    broken = ScriptedModel(script=in_turn(TimeoutError("slow")), model_name="broken-1")
    monkeypatch.setattr(chain, "chat_model", {"openai:gone": broken, "builtin": genuine}.__getitem__)
    desk.release(model_chain=["openai:gone", "builtin"])
    chat = desk.chat()
    chat.says(QUESTION)
    assert "60 days" in chat.last.body
    tried = chat.steps(Step.Kind.MODEL)
    assert [(step.name, step.output.get("error", "")) for step in tried[:2]] == [("broken-1", "TimeoutError"), ("builtin-1", "")]


@pytest.mark.parametrize("is_global", [True, False])
def test_the_kill_switch_passes_every_customer_to_a_person(desk: Desk, is_global: bool) -> None:  # reliability 26
    KillSwitch.objects.create(tenant=None if is_global else desk.tenant, is_on=True, reason="incident")
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.escalation.reason == "ai_off"
    assert chat.steps(Step.Kind.MODEL) == []
    assert "incident" not in chat.shown


def test_the_kill_switch_ends_a_turn_that_is_under_way(desk: Desk, put_model: Put) -> None:  # reliability 26
    chat = desk.chat()

    def script(_messages: object) -> AIMessage:
        KillSwitch.objects.get_or_create(tenant=None, tool="", defaults={"is_on": True, "reason": "incident"})
        return wants(("search_knowledge", {"query": "returns"}))

    model = put_model(script=script)
    chat.says(QUESTION)
    assert len(model.heard) == 1
    assert chat.escalation.reason == "ai_off"


def test_another_workspaces_switch_stops_nobody_here(desk: Desk) -> None:
    KillSwitch.objects.create(tenant=desk.tenant, is_on=False, reason="over")
    chat = desk.chat()
    chat.says(QUESTION)
    assert not chat.is_with_a_person


def test_without_a_live_release_a_person_answers(desk: Desk) -> None:
    desk.without_release()
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.escalation.reason == "ai_off"
    assert chat.last.run.outcome == "escalate"


def test_a_ticket_stays_with_the_release_it_began_with(desk: Desk) -> None:
    chat = desk.chat()
    chat.says("Hello")
    began = chat.runs[-1].release
    newer = desk.release(tools=["search_knowledge", "escalate"])
    chat.says(QUESTION)
    other = desk.chat()
    other.says(QUESTION)
    assert chat.runs[-1].release == began
    assert other.runs[-1].release == newer


def test_a_model_that_asks_the_same_thing_for_ever_is_bounded(desk: Desk, put_model: Put) -> None:  # reliability 54
    model = put_model(wants(("search_knowledge", {"query": "returns"})))
    chat = desk.chat()
    chat.says(QUESTION)
    assert len(model.heard) == 6
    assert len(chat.steps(Step.Kind.RETRIEVAL)) == 1
    assert chat.escalation.reason == "repeated_failure"


def test_a_model_that_asks_ever_new_things_is_bounded(desk: Desk, put_model: Put) -> None:  # reliability 54
    asked = iter(range(1000))
    model = put_model(script=lambda _m: wants(*[("search_knowledge", {"query": f"returns {next(asked)}"}) for _ in range(3)]))
    chat = desk.chat()
    chat.says(QUESTION)
    assert len(model.heard) == 3
    assert len(chat.steps(Step.Kind.RETRIEVAL)) == 8
    assert chat.escalation.reason == "repeated_failure"


@pytest.mark.parametrize("text", ["", "   \n "])
def test_a_model_that_says_nothing_leads_to_a_person(desk: Desk, put_model: Put, text: str) -> None:  # reliability 60
    put_model(AIMessage(text))
    chat = desk.chat()
    chat.says(QUESTION)
    assert chat.escalation.reason == "run_failed"
    assert chat.last.body.strip()


def test_a_resolved_ticket_opens_again_with_the_next_message(desk: Desk) -> None:
    chat = desk.chat()
    chat.says(QUESTION)
    chat.says("Great, thank you, that is all I needed!")
    if chat.ticket.is_open:
        verbs.resolve(ticket_id=chat.ticket.pk, by=Actor("customer", chat.ticket.customer_id))
    chat.says("How much is express delivery?")
    assert chat.ticket.is_open
    assert "12.90" in chat.last.body


def test_every_word_of_the_agent_can_be_explained(desk: Desk) -> None:  # reliability 68
    chat = desk.chat()
    for text in ("Hello", QUESTION, "Please refund N-20377, the boots do not fit"):
        chat.says(text)
    chat.proves("ida@mail.example")
    chat.answers(yes=True)
    chat.says("Do you rent out tents for a wedding?")
    assert len(chat.said) >= 6
    for message in chat.said:
        run: AgentRun = message.run
        steps = list(run.steps.all())
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        kinds = {step.kind for step in steps}
        assert {"context", "model", "outcome"} <= kinds, message.body
        if message.kind == Kind.TEXT:
            assert "check" in kinds, message.body
        assert run.release is not None
        assert run.finished_at is not None
        models = [step for step in steps if step.kind == "model"]
        assert all(step.name == "builtin-1" and step.input["messages"] for step in models)
        assert run.input_tokens == sum(step.input_tokens for step in models) > 0
        assert run.output_tokens == sum(step.output_tokens for step in models) > 0
        context = steps[0].output
        assert {"release", "prompt_version", "policy_version", "snapshot", "language", "identity", "trigger"} <= set(context)
    calls = Step.objects.filter(run__ticket=chat.ticket, kind="call").exclude(call_id=None)
    assert {"create_refund"} <= set(calls.values_list("name", flat=True))
    assert all(step.output["decision"]["voices"] for step in calls.filter(name="create_refund"))


def statements_of_a_turn(chat: Chat) -> int:
    chat.says(QUESTION, then_work=False)
    with CaptureQueriesContext(connection) as captured:
        start_run(chat.ticket.pk)
    return len(captured)


@pytest.mark.skipif(ON_POSTGRES, reason="statements are counted on the embedded default")
def test_a_turn_takes_as_many_statements_on_a_long_ticket_as_on_a_short_one(desk: Desk) -> None:
    desk.chat().says(QUESTION)
    short, long = desk.chat(), desk.chat()
    few = statements_of_a_turn(short)
    for n in range(40):
        long.says(f"Hello, this is message number {n}", then_work=False)
        with transaction.atomic():
            append(locked(long.ticket.pk), author=Author.AI, body="Hello")
    many = statements_of_a_turn(long)
    Job.objects.filter(state="queued").delete()
    print(f"SQL statements of a turn: {few} on a short ticket, {many} on a long one")
    assert few == many <= 60
    assert Ticket.objects.get(pk=long.ticket.pk).last_seq == 82


def test_citations_are_counted_by_article_and_remember_their_passages() -> None:
    def source(n: int, url: str) -> dict[str, object]:
        return {"n": n, "title": f"Article {url}", "url": url, "text": "words"}

    text, citations = renumbered("One. [3] Two. [1] Three. [4]", [source(1, "/a/"), source(2, "/c/"), source(3, "/b/"), source(4, "/b/")])
    assert text == "One. [1] Two. [2] Three. [1]"
    assert [(each["n"], each["url"], each["sources"]) for each in citations] == [(1, "/b/", [3, 4]), (2, "/a/", [1])]

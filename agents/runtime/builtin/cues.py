"""Words that need no statistics: asking for a person, anger, law and danger, questions, negations; in nine languages where it matters."""

from agents.runtime.builtin.words import cue, fold

_HUMAN = cue("human")
_NOT_HUMAN = cue("not_human")
_WHAT_ARE_YOU = cue("what_are_you")
_ANGER = cue("anger")
_LEGAL = cue("legal")
_SETTLED = cue("settled")
_NOT_SETTLED = cue("not_settled")
_QUESTION = cue("question")
_HOW = cue("how")
_NEGATED = cue("negated")
_DEMAND = cue("demand")


def asks_for_a_person(text: str) -> bool:
    """A wish for a human, in any wording known of nine languages; asking whether one talks to a human is none."""
    plain = fold(text)
    return bool(_HUMAN.search(plain)) and not _NOT_HUMAN.search(plain) and not asks_what_we_are(text)


def asks_what_we_are(text: str) -> bool:
    """Whether somebody asks if a human or a machine is speaking."""
    return bool(_WHAT_ARE_YOU.search(fold(text)))


def is_angry(text: str) -> bool:
    """Insults, exasperation or shouting."""
    letters = [mark for mark in text if mark.isalpha()]
    loud = sum(mark.isupper() for mark in letters)
    shouting = len(letters) >= 14 and loud > 0.7 * len(letters) and len(text.split()) >= 3
    return shouting or bool(_ANGER.search(fold(text)))


def is_legal_or_dangerous(text: str) -> bool:
    """Lawyers, authorities, injuries, fire, stolen accounts."""
    return bool(_LEGAL.search(fold(text)))


def is_settled(text: str) -> bool:
    """The customer says that it helped or that nothing else is needed."""
    plain = fold(text)
    return bool(_SETTLED.search(plain)) and not _NOT_SETTLED.search(plain)


def is_question(text: str) -> bool:
    """Whether a sentence asks: by its mark or by its first word."""
    return bool(_QUESTION.search(fold(text).strip()))


def asks_how(text: str) -> bool:
    """Whether a sentence asks how, when or what, instead of asking to have something done."""
    return bool(_HOW.search(fold(text)))


def is_negated(text: str) -> bool:
    """Whether an act is named only to say that it is not wanted."""
    return bool(_NEGATED.search(fold(text)))


def demands(text: str) -> bool:
    """Whether a sentence asks to have something done."""
    return bool(_DEMAND.search(fold(text)))

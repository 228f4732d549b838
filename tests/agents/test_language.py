"""Which language a customer writes: short texts, as they are written in chats."""

import pytest

from agents.runtime.language import detect

NORRHOLT = ("en", "de", "es")
TEXTS = {
    "en": [
        "where is my order",
        "hi",
        "refund please",
        "how long is the warranty",
        "my tent pole broke",
        "can I return boots?",
        "thanks!",
        "I want to talk to a human",
        "do you ship to Norway?",
    ],
    "de": [
        "Wo ist meine Bestellung",
        "Hallo, ich habe eine Frage",
        "Ich möchte mein Geld zurück",
        "Wie lange habe ich Garantie?",
        "Kann ich die Schuhe umtauschen?",
        "Der Reißverschluss ist kaputt",
        "Rückgabe möglich?",
        "Danke für die schnelle Hilfe",
        "Bitte stornieren",
    ],
    "es": [
        "¿Dónde está mi pedido?",
        "Quiero devolver las botas",
        "¿Cuánto tarda el envío?",
        "Hola, tengo una pregunta",
        "¿Hay garantía?",
        "necesito ayuda con mi tienda",
        "gracias por la respuesta",
        "cancelar mi pedido",
        "¿puedo cambiar la dirección?",
    ],
    "fr": [
        "Où est ma commande ?",
        "Je voudrais être remboursé",
        "Bonjour, j'ai une question",
        "Comment retourner un article ?",
        "La fermeture éclair est cassée",
        "Quels sont les délais de livraison ?",
        "Merci beaucoup pour votre aide",
    ],
    "ar": ["أين طلبي؟", "أريد استرداد أموالي", "مرحبا", "كم مدة الضمان؟", "كيف أعيد المنتج؟", "شكرا جزيلا"],
}


@pytest.mark.parametrize(("language", "text"), [(language, text) for language, texts in TEXTS.items() for text in texts])
def test_a_short_text_is_known_by_its_language(language: str, text: str) -> None:
    assert detect([text], expected=NORRHOLT) == language


@pytest.mark.parametrize("text", ["ok", "N-20377", "???", "👍", "12345", "", "Ida", "ok 👍"])
def test_what_has_no_language_keeps_the_one_that_is_known(text: str) -> None:
    assert detect([text], known="de", expected=NORRHOLT) == "de"
    assert detect([text], expected=NORRHOLT) == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Können Sie mir bitte sagen, wo meine Bestellung bleibt?", "de"),
        ("¿Me puede decir dónde está mi pedido, por favor?", "es"),
        ("أين طلبي؟", "ar"),
    ],
)
def test_who_changes_the_language_is_followed(text: str, language: str) -> None:
    assert detect([text], known="en", expected=NORRHOLT) == language


@pytest.mark.parametrize("text", ["ja", "Brisk Jacket", "no", "super", "Skarn 2", "ida@mail.example", "Vatn 400"])
def test_a_word_or_a_name_changes_no_language(text: str) -> None:
    assert detect([text], known="en", expected=NORRHOLT) == "en"


def test_several_messages_count_together() -> None:
    assert detect(["Hallo", "ich warte seit Tagen", "wo ist mein Paket?"], expected=NORRHOLT) == "de"

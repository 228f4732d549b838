"""Texts to mask and texts to leave alone, generated so that no real secret stands in a file."""

import base64
import json
import random
import string
from collections.abc import Iterator
from datetime import date, timedelta

LETTERS = string.ascii_letters + string.digits
# First digits of the networks, and how long their numbers are.
NETWORKS = [("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("36", 14)]
NETWORKS += [("3530", 16), ("6011", 16), ("62", 17)]


def luhn_digit(body: str) -> str:
    total = 0
    for index, char in enumerate(reversed(body)):
        value = int(char) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def card(chance: random.Random) -> str:
    start, length = chance.choice(NETWORKS)
    body = start + "".join(chance.choices(string.digits, k=length - len(start) - 1))
    return body + luhn_digit(body)


def spaced(digits: str, sign: str) -> str:
    if len(digits) == 15:
        return sign.join((digits[:4], digits[4:10], digits[10:]))
    return sign.join(digits[at : at + 4] for at in range(0, len(digits), 4))


def word(chance: random.Random, length: int, letters: str = LETTERS) -> str:
    return "".join(chance.choices(letters, k=length))


def token(chance: random.Random) -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    makers = [
        lambda: f"sk_live_{word(chance, 24)}",
        lambda: f"rk_test_{word(chance, 24)}",
        lambda: f"whsec_{word(chance, 32)}",
        lambda: f"AKIA{word(chance, 16, string.ascii_uppercase + string.digits)}",
        lambda: f"ghp_{word(chance, 36)}",
        lambda: f"github_pat_{word(chance, 22)}_{word(chance, 59)}",
        lambda: f"xoxb-{word(chance, 12, string.digits)}-{word(chance, 24)}",
        lambda: f"AIza{word(chance, 35)}",
        lambda: f"ya29.{word(chance, 60)}",
        lambda: f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': word(chance, 8)})}.{word(chance, 43)}",
        lambda: f"sd_live_{word(chance, 12, '0123456789abcdef')}_{word(chance, 43)}",
        lambda: f"{word(chance, 24, '0123456789abcdef')}.{word(chance, 32)}",
        lambda: f"-----BEGIN RSA PRIVATE KEY-----\n{word(chance, 64)}\n{word(chance, 64)}\n-----END RSA PRIVATE KEY-----",
        lambda: f"sk-proj-{word(chance, 40)}",
    ]
    return chance.choice(makers)()


PASSWORDS = [
    "my password is {}",
    "My password: {}.",
    "password={}",
    "the password was {} until yesterday",
    "mein Passwort ist {}",
    "Das Passwort lautet {}, bitte prüfen",
    "Kennwort: {}",
    "mi contraseña es {}",
    "Contraseña: {}",
    "la clave de acceso es {}",
    "mon mot de passe est {}",
    "Mot de passe : {}",
    'Password (old): "{}"',
    "pwd: {}",
    "كلمة المرور: {}",
]
AROUND = ["Hello, {} please help", "{}", "see below:\n{}\nthanks", "It was ({}) I think", "{}, that one", "Hier: {}!", "Es {}."]


def positives(count: int = 500, seed: int = 67) -> Iterator[tuple[str, str]]:
    """A text, and what must not be left in it."""
    chance = random.Random(seed)
    for number in range(count):
        around = chance.choice(AROUND)
        match number % 3:
            case 0:
                digits = card(chance)
                shown = chance.choice([digits, spaced(digits, " "), spaced(digits, "-"), spaced(digits, "\u00a0")])
                yield around.format(shown), shown
            case 1:
                shown = token(chance)
                yield around.format(shown), shown
            case _:
                shown = word(chance, chance.randint(5, 14)) + chance.choice(["7", "!9", "#x4", "_Q2"])
                yield chance.choice(PASSWORDS).format(shown), shown


# How cards and passphrases are written too.
CARD_FORMS = ["1005 {} 123", "{}  12/27", "card:{}/12/27", "cc#{}", "nr.{}", "{} {}", "{}-{}", "{}\n{}"]
BETWEEN = ["\u202f", "\u2009", "  ", "–", "‑", ".", " - "[1:], "\u3000"]
DIGITS = ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９"]
PHRASES = ['my password is "{}"', "passphrase: '{}'", "Passwort: „{}“", "mot de passe : «{}»", "the password was “{}” then"]


def other_forms(seed: int = 11) -> Iterator[tuple[str, str]]:
    """More texts, and what must not be left in them."""
    chance = random.Random(seed)

    def fours() -> str:
        body = "4" + "".join(chance.choices(string.digits, k=14))
        return body + luhn_digit(body)

    for form in CARD_FORMS:
        for _ in range(5):
            cards = [spaced(fours(), " ") for _ in range(form.count("{}"))]
            for shown in cards:
                yield form.format(*cards), shown
    for form in ("card:{}/12/27", "cc#{}", "{} {}"):
        cards = [fours() for _ in range(form.count("{}"))]
        for shown in cards:
            yield form.format(*cards), shown
    for sign in BETWEEN:
        shown = spaced(fours(), sign)
        yield f"my card {shown} please", shown
    for figures in DIGITS:
        for sign in ("", " "):
            shown = spaced(fours(), sign).translate(str.maketrans(string.digits, figures))
            yield f"بطاقة {shown}", shown
    for form in PHRASES:
        for words in ("correct horse battery staple", "my dog is big"):
            for shown in (words, words.split(maxsplit=1)[1]):
                yield form.format(words), shown


def iban(chance: random.Random) -> str:
    country, length = chance.choice([("DE", 22), ("FR", 27), ("ES", 24), ("GB", 22), ("NL", 18)])
    body = "".join(chance.choices(string.digits, k=length - 4))
    turned = int("".join(str(int(char, 36)) for char in f"{body}{country}00"))
    whole = f"{country}{98 - turned % 97:02d}{body}"
    return chance.choice([whole, " ".join(whole[at : at + 4] for at in range(0, length, 4))])


def ean(body: str) -> str:
    return f"{body}{-sum(int(char) * (3 if index % 2 else 1) for index, char in enumerate(body)) % 10}"


def negatives(count: int = 2400, seed: int = 76) -> Iterator[str]:
    """Order and parcel numbers, telephones, bank accounts, dates, codes, sentences about passwords."""
    chance = random.Random(seed)

    def digits(length: int) -> str:
        return "".join(chance.choices(string.digits, k=length))

    makers = [
        lambda: f"My order AP-{digits(6)} has not come",
        lambda: f"Order #{digits(10)} and invoice {digits(8)}",
        lambda: f"order number {digits(12)}",
        lambda: f"Bestellung {chance.randint(2015, 2026)}-{digits(4)}-{digits(6)}",
        lambda: f"parcel 1Z{word(chance, 16, string.ascii_uppercase + string.digits)}",
        lambda: f"tracking JJD{digits(18)}",
        lambda: f"DHL {digits(20)}",
        lambda: f"USPS 9400 1{digits(3)} {digits(4)} {digits(4)} {digits(4)} {digits(2)}",
        lambda: f"EAN 40{digits(11)}",
        lambda: f"EAN {ean('4' + digits(11))}",
        lambda: f"latitude 0.{digits(16)} and 12.4{digits(15)}",
        lambda: f"call +{chance.choice(['1', '34', '44', '49', '33'])} {digits(3)} {digits(3)} {digits(4)}",
        lambda: f"Tel. 0{digits(3)}/{digits(7)} or 0{digits(4)}-{digits(6)}",
        lambda: f"my IBAN is {iban(chance)}",
        lambda: f"on {date(2024, 1, 1) + timedelta(days=chance.randrange(900))} at {chance.randrange(24):02d}:{chance.randrange(60):02d}",
        lambda: f"{digits(2)}.{digits(2)}.20{digits(2)} - {digits(2)}.{digits(2)}.20{digits(2)}",
        lambda: f"My code is {digits(3)} {digits(3)}",
        lambda: f"the code: {digits(6)}",
        lambda: f"serial {digits(5)}-{digits(5)}-{digits(5)}",
        lambda: f"paid {digits(3)},{digits(2)} EUR and {digits(4)}.{digits(2)} USD",
        lambda: f"https://shop.example/orders/{digits(16)}?t={digits(10)}",
        lambda: f"timestamp {chance.randrange(1_600_000_000_000, 1_800_000_000_000)}",
        lambda: chance.choice(
            [
                "My password is wrong and the link is not working",
                "I forgot my password. Please reset it",
                "the password is too short, it says",
                "password: forgotten",
                "Mein Passwort ist abgelaufen",
                "Das Passwort war falsch",
                "mi contraseña es incorrecta",
                "mon mot de passe est oublié",
                "How do I change my password?",
                "What is the password reset page?",
            ]
        ),
        lambda: f"sizes {' '.join(digits(2) for _ in range(8))}",
        lambda: f"size chart: {digits(4)} {digits(3)} {digits(5)}",
        lambda: f"ref {word(chance, 8, string.ascii_lowercase)}_{digits(6)} and task_{digits(8)}",
    ]
    for number in range(count):
        yield makers[number % len(makers)]()

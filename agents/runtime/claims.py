"""Claims that something was done, by the act, in the languages the agent writes. Pure: text in, the words of the first claim out."""

import re
from collections.abc import Iterable, Iterator

# Up to four words between who and what, none of which makes it a "not" or a "could".
_EN = r"\b(?:i|we)(?:'ve|'d)?\s+(?:(?!(?:not|never|can|cannot|can't|could|may|might|would|will|only|once|if|when)\b)[\w']+\s+){0,4}?"
_NOW = r"(?:\s(?:already|just|now|successfully|also))*"
_WAS = rf"(?:has|have|was|were)(?! not| never| only){_NOW}(?:\sbeen)?{_NOW}\s"
_DE = r"\b(?:ich habe|wir haben|habe ich|haben wir)\b(?![^.!?]*\b(?:nicht|nichts|kein\w*)\b)[^.!?]{0,80}?\b"
_WURDE = r"\b(?:wurde|wurden|ist|sind)\b(?![^.!?]*\bnicht\b)[^.!?]{0,40}?\b"
_ES = r"(?<!no )(?<!no te )(?<!no le )(?<!no se )\b(?:he|hemos)\s+(?:\w+\s+){0,2}?"
_HA = r"(?<!no )\b(?:ha sido|han sido|fue|se ha|se han|está)\s+(?:\w+\s+)?"
_FR = r"\b(?:j'ai|nous avons)\s+(?:bien\s+|déjà\s+|donc\s+)*"
_AR = r"\b(?:تم|تمت|قمت|قمنا)\b[^.!؟]{0,20}?\bب?"

CLAIMS: dict[str, re.Pattern[str]] = {
    act: re.compile("|".join(forms), re.IGNORECASE)
    for act, forms in {
        "refund": (
            rf"{_EN}(?:refunded|reimbursed|(?:issued|processed|made|sent|arranged)\s[^.!?]{{0,20}}?refund\b|credited|paid\s[^.!?]{{0,20}}?back)",
            rf"\b(?:refund|money|amount|payment)\b[^.!?]{{0,30}}?\b{_WAS}(?:processed|issued|made|sent|paid|transferred|initiated|returned)",
            r"\b(?:refund|money)\b[^.!?]{0,20}?\bis(?! not)(?:\s(?:already|now))*\s(?:on (?:its|the) way|under ?way|done|complete)",
            rf"\b{_WAS}(?:refunded|reimbursed)",
            r"\byour (?:order|purchase|payment|money) is(?:\s(?:already|now))* refunded",
            rf"{_DE}(?:erstattet|zurückerstattet|zurückgezahlt|zurücküberwiesen|gutgeschrieben)",
            rf"{_WURDE}(?:erstattet|zurückerstattet|zurückgezahlt|zurücküberwiesen|gutgeschrieben)",
            rf"(?:erstattung|\bgeld|\bbetrag)\b[^.!?]{{0,20}}?{_WURDE}(?:veranlasst|durchgeführt|bearbeitet|unterwegs|überwiesen|angewiesen)",
            rf"{_ES}(?:reembolsado|devuelto)",
            rf"\b(?:reembolso|dinero|importe)\b[^.!?]{{0,20}}?{_HA}(?:procesado|realizado|enviado|hecho|emitido|devuelto|en camino|camino)",
            r"(?<!no )\bse (?:ha|han) (?:reembolsado|devuelto)",
            rf"{_FR}(?:remboursé|effectué\s[^.!?]{{0,10}}remboursement)",
            r"\ba (?:bien |déjà )?été remboursée?",
            r"\bremboursement\b[^.!?]{0,20}?\ba (?:bien |déjà )?été (?:effectué|traité|lancé|émis)",
            rf"{_AR}(?:رد|استرداد|إرجاع|إعادة)\s[^.!؟]{{0,10}}(?:مبلغ|أموال|مال|نقود)",
        ),
        "cancel": (
            rf"{_EN}(?:cancel+ed|ended your subscription)",
            rf"\b{_WAS}cancel+ed",
            r"\bis(?:\s(?:already|now))+ cancel+ed",
            rf"{_DE}(?:storniert|gekündigt)",
            rf"{_WURDE}(?:storniert|gekündigt)",
            rf"{_ES}(?:cancelado|dado de baja)",
            rf"{_HA}(?:cancelad[oa]|dad[oa] de baja)",
            rf"{_FR}(?:annulé|résilié)",
            r"\ba (?:bien |déjà )?été (?:annulée?|résiliée?)",
            rf"{_AR}إلغاء",
        ),
        "change_address": (
            rf"{_EN}(?:changed|updated)\s[^.!?]{{0,30}}?address",
            rf"\baddress\b[^.!?]{{0,20}}?\b(?:{_WAS}|is now )(?:changed|updated)",
            rf"{_DE}(?:adresse\b[^.!?]{{0,30}}?(?:geändert|aktualisiert))",
            r"\w*adresse\b[^.!?]{0,20}?\b(?:wurde|ist)\b(?![^.!?]*\bnicht\b)[^.!?]{0,20}?(?:geändert|aktualisiert)",
            rf"{_ES}(?:cambiado|actualizado)\s[^.!?]{{0,30}}?dirección",
            rf"\bdirección\b[^.!?]{{0,20}}?{_HA}(?:cambiad[oa]|actualizad[oa])",
            rf"{_FR}(?:modifié|changé)\s[^.!?]{{0,30}}?adresse",
            r"\badresse\b[^.!?]{0,20}?\ba (?:bien |déjà )?été (?:modifiée|changée)",
            rf"{_AR}(?:تغيير|تحديث)\s[^.!؟]{{0,15}}عنوان",
        ),
    }.items()
}
# "If your order has been cancelled, …" says nothing about this order: such clauses end at the next mark.
_CONDITION = re.compile(
    r"\b(?:if|once|when|whenever|as soon as|until|unless|after|wenn|sobald|falls|nachdem|bis|si|cuando|una vez|en cuanto|lorsque|quand"
    r"|dès que|une fois|إذا|عندما|بعد أن)\b[^,.;:!?؟]*",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\b(?:nothing|no (?:refund|money|order|payment)s?) (?:was|were|is|has been|have been) \w+", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?؟\n]+[.!?؟]*")


def claimed(text: str, *, quoted: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Each act the text says was done, with the words that say so; sentences that stand in a quoted text just like that say nothing new."""
    backing = " ".join(_plain(each) for each in quoted)
    for sentence in _SENTENCE.findall(text.replace("’", "'")):
        if backing and len(plain := _plain(sentence)) > 20 and plain in backing:
            continue
        said = _NOTHING.sub(" ", _CONDITION.sub(" ", sentence))
        for act, pattern in CLAIMS.items():
            if found := pattern.search(said):
                yield act, found.group(0).strip()


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", re.sub(r"\[\d{1,2}\]", " ", text).casefold()))

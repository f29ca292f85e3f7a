"""The page of `redqueen serve`, and what it shows of one picture."""

from collections.abc import Sequence
from typing import Any

from redqueen.corpus.decode import FORMATS, MAX_BYTES
from redqueen.evaluation.detect.files import shown
from redqueen.evaluation.detect.verdict import WORDS, Basis, Failure, Judgement
from redqueen.report.page import environment
from redqueen.report.verdicts import percent, under


def page(basis: Basis, facts: Sequence[tuple[str, str]], warnings: Sequence[str], nonce: str) -> str:
    """HTML that loads nothing but what its own script asks of the server; style and script carry the nonce."""
    return (
        environment()
        .get_template("serve.html.j2")
        .render(
            detector=basis.detector,
            cutoff=basis.cutoff,
            facts=facts,
            warnings=warnings,
            nonce=nonce,
            formats=FORMATS,
            largest=MAX_BYTES,
        )
    )


def answer(judged: Judgement | Failure) -> dict[str, Any]:
    """What the script of the page is told of one picture: words alone, none of which it has to make up."""
    if isinstance(judged, Failure):
        return {"failure": shown(judged.reason)}
    clean, heat = judged.clean, judged.heat
    return {
        "verdict": clean.verdict,
        "words": WORDS[clean.verdict],
        "chance": percent(clean.probability),
        "views": [
            {"name": one.view, "said": under(one, clean), "changed": one.verdict != clean.verdict}
            for one in judged.seen[1:]
        ],
        "heat": heat and {"source": f"data:image/png;base64,{heat.png}", "words": heat.words},
    }

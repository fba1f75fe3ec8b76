"""A page to look into a model: where each token looks, and what the model would have guessed there.

The page is one HTML file with everything in it. It opens without a network and without a server,
and its content-security policy forbids it to ask for anything. The same page serves the demo,
where a sentence of one's own is answered (`course_utils.demo`).
"""

import base64
import html
import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from course_utils.files import atomic_write
from course_utils.model.heads import MaskedLanguageModel, SequenceClassifier

from .language import _judged

MOST_TOKENS = 48  # what fits on a page; each token more costs a row and a column in every head
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


def guesses(logits: Tensor, names: Sequence[str], top: int = 5) -> list[tuple[str, float]]:
    """The `top` likeliest tokens at one place and their probabilities, the likeliest first.

    logits: (V,), before the softmax. names: the V tokens. The probabilities are those of the whole
    vocabulary: what is not shown has its share, too.

    Raises:
        TypeError: `logits` is no tensor.
        ValueError: it is not (V,), or `top` is not in 1 … V.

    >>> guesses(torch.tensor([0.0, 2.0, 1.0]).log(), ["the", "film", "plot"], top=2)
    [('film', 0.6666...), ('plot', 0.3333...)]
    """
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor, not {type(logits).__name__}.")
    if logits.shape != (len(names),):
        raise ValueError(f"logits must be ({len(names)},), as names, not {tuple(logits.shape)}.")
    if not 1 <= top <= len(names):
        raise ValueError(f"top must lie in 1 … {len(names)}, not {top}.")
    chances = logits.softmax(0)
    return [(names[index], chances[index].item()) for index in chances.topk(top).indices.tolist()]


def view(
    model: MaskedLanguageModel | SequenceClassifier,
    tokenizer,
    text: str,
    classifier: SequenceClassifier | None = None,
    labels: Sequence[str] | None = None,
    top: int = 5,
) -> dict:
    """Everything that the page shows of one sentence, ready for JSON.

    A masked model tells for each ordinary token what it would have guessed if that token alone had
    been hidden, and the surprise −ln p of the token that stands there, in nats. A classifier,
    given as `model` or beside it, tells the probability of each of its `labels`. Attention is that
    of `model`: for each layer and head, L × L bytes in base64, 255 for a weight of 1.

    Raises:
        TypeError: `model` or `classifier` of another kind, or a text that is no str.
        ValueError: a text without a word, or with more than MOST_TOKENS tokens; labels that do not
            fit the classifier.
    """
    if not isinstance(model, MaskedLanguageModel | SequenceClassifier):
        raise TypeError(f"Expected a masked model or a classifier, not {type(model).__name__}.")
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}.")
    ids = tokenizer(text, return_tensors="pt", verbose=False)["input_ids"]  # (1, L)
    special = set(tokenizer.all_special_ids) - {tokenizer.mask_token_id, tokenizer.unk_token_id}
    places = [place for place, token in enumerate(ids[0].tolist()) if token not in special]
    if not places:
        raise ValueError("The text holds no word: write a sentence.")
    if ids.size(1) > MOST_TOKENS:
        raise ValueError(
            f"The text has {ids.size(1)} tokens, and {MOST_TOKENS} can be shown: shorten it."
        )
    tokens = tokenizer.convert_ids_to_tokens(ids[0].tolist())
    found = {"text": text, "tokens": tokens, "guesses": {}, "surprise": {}}
    with _judged(model) as device:
        maps = model.encoder.attention_maps(ids.to(device))
        found["attention"] = [[_packed(head) for head in layer[0]] for layer in maps]
        if isinstance(model, MaskedLanguageModel):
            found |= _guessed(model, tokenizer, ids.to(device), places, top)
    judge = model if isinstance(model, SequenceClassifier) else classifier
    if judge is not None:
        found["classes"] = _classes(judge, ids, labels)
    return found


def _packed(weights: Tensor) -> str:
    """The weights (L, L) of a head as bytes in base64."""
    table = (weights * 255).round().to(torch.uint8).cpu()
    return base64.b64encode(table.numpy().tobytes()).decode()


def _guessed(model: MaskedLanguageModel, tokenizer, ids: Tensor, places, top: int) -> dict:
    """Guesses and surprise at each place, hidden one at a time: one copy of the text for each."""
    asked = torch.tensor(places, device=ids.device).unsqueeze(1)  # (M, 1)
    copies = ids.expand(len(places), -1).scatter(1, asked, tokenizer.mask_token_id)  # (M, L)
    logits = model(copies, positions=asked).squeeze(1)  # (M, V)
    names = tokenizer.convert_ids_to_tokens(range(logits.size(1)))
    scores = logits.log_softmax(-1)
    truth = ids[0].tolist()
    return {
        "guesses": {
            place: guesses(row, names, top) for place, row in zip(places, logits, strict=True)
        },
        "surprise": {
            place: round(-row[truth[place]].item(), 3)
            for place, row in zip(places, scores, strict=True)
            if truth[place] != tokenizer.mask_token_id
        },
    }


def _classes(judge, ids: Tensor, labels: Sequence[str] | None) -> list[tuple[str, float]]:
    if not isinstance(judge, SequenceClassifier):
        raise TypeError(f"classifier must be a SequenceClassifier, not {type(judge).__name__}.")
    labels = list(labels or (f"class {number}" for number in range(judge.num_labels)))
    if len(labels) != judge.num_labels:
        raise ValueError(f"There are {len(labels)} labels for {judge.num_labels} classes.")
    with _judged(judge) as device:
        chances = judge(ids.to(device)).softmax(-1)[0].tolist()
    return list(zip(labels, chances, strict=True))


def weights(seen: dict) -> Tensor:
    """The attention weights of a view, (layers, H, L, L) float32, to within half of 1/255.

    Raises:
        ValueError: that is no view.
    """
    if not isinstance(seen, dict) or not {"tokens", "attention"} <= set(seen):
        raise ValueError("Expected a view, such as explorer.view() returns.")
    length = len(seen["tokens"])
    heads = [
        torch.frombuffer(bytearray(base64.b64decode(head)), dtype=torch.uint8)
        for layer in seen["attention"]
        for head in layer
    ]
    return torch.stack(heads).view(len(seen["attention"]), -1, length, length) / 255


def sharpest(seen: dict) -> tuple[int, int]:
    """Layer and head, from 0, that look most decidedly at something else than the text's ends.

    The first and the last token are where heads look that have nothing to say, so they do not
    count (Clark et al. 2019, "What does BERT look at?", section 3.2).

    Raises:
        ValueError: that is no view.
    """
    kept = weights(seen)[..., 1:-1, 1:-1]  # (layers, H, L - 2, L - 2)
    decided = kept.amax(-1).mean(-1)  # (layers, H)
    return divmod(int(decided.argmax()), decided.size(1))


def embed(data) -> str:
    """JSON that can stand inside a `<script>` element, whatever text it holds.

    JSON may hold `</script>` or `<!--`, and a browser looks for these before it looks at anything
    else. Written as \\u003c they are the same string to JSON and nothing to HTML.

    Raises:
        TypeError: `data` is nothing that JSON knows.

    >>> embed("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def page(views: Sequence[dict], title: str, note: str = "", live: bool = False) -> str:
    """The whole page as HTML. `live` adds a box for one's own sentence, which needs a server.

    Raises:
        ValueError: no views, or something else.
    """
    if not views:
        raise ValueError("A page needs at least one view, such as explorer.view() returns.")
    layer, head = sharpest(views[0])
    policy = POLICY + "; connect-src 'self'" * live
    caption = (
        f"Layer {layer + 1}, head {head + 1}, on “{views[0]['text']}”: each row shows where one "
        "token looks; the darker, the more."
    )
    data = {"views": list(views), "layer": layer, "head": head, "live": live}
    content = {
        "policy": policy,
        "title": html.escape(title),
        "note": html.escape(note),
        "figure": _figure(views[0], weights(views[0])[layer, head]),
        "caption": html.escape(caption),
        "data": embed(data),
    }
    frame = resources.files("course_utils.evaluation").joinpath("explorer.html").read_text("utf-8")
    first, *rest = frame.split("{{")  # one pass: what is put in is never looked at again
    return first + "".join(
        content[name] + tail for name, _, tail in (part.partition("}}") for part in rest)
    )


def _figure(seen: dict, head: Tensor) -> str:
    """One head as a drawing that needs no script: SVG, with a title for screen readers."""
    names, cell = seen["tokens"], 18
    left = above = 16 + 7 * max(map(len, names))
    side = cell * len(names)
    parts = [
        f'<svg role="img" viewBox="0 0 {left + side + 8} {above + side + 8}" '
        f'width="{left + side + 8}"><title>Where each token looks</title>'
    ]
    for row, name in enumerate(names):
        y, shown = above + row * cell, html.escape(name)
        x = left + row * cell + cell / 2
        parts.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{shown}</text>')
        parts.append(f'<text transform="translate({x + 4} {above - 6}) rotate(-90)">{shown}</text>')
        parts += [
            f'<rect x="{left + column * cell}" y="{y}" width="{cell}" height="{cell}" '
            f'fill-opacity="{weight:.2f}"/>'
            for column, weight in enumerate(head[row].tolist())
        ]
    return "".join(parts) + "</svg>"


def write(path: str | os.PathLike, views: Sequence[dict], title: str, note: str = "") -> Path:
    """Write the page as one file that opens anywhere; returns its path.

    Raises:
        ValueError: as `page`, or a path that does not end in .html.
    """
    path = Path(path)
    if path.suffix != ".html":
        raise ValueError(f"{path.name} must end in .html, so that a browser opens it.")
    return atomic_write(path, page(views, title, note))

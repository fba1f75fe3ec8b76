"""The explorer: what it shows is what the model does, and the page asks nobody for anything."""

import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image
from transformers import AutoModel, pipeline

from course_utils import files
from course_utils.evaluation import explorer
from course_utils.evaluation.language import masked_log_probabilities
from course_utils.model import interop
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import MaskedLanguageModel, SequenceClassifier
from course_utils.text.tokenization import train_tokenizer

SENTENCE = "the [MASK] was a joy to watch, and i laughed"
NASTY = "</script><script>alert('x')</script> & <!-- {{data}} \u2028"


@pytest.fixture(scope="module")
def folder():
    return files.checkpoint_dir("course-bert")


@pytest.fixture(scope="module")
def seen(folder):
    tokenizer = interop.load_tokenizer(folder)
    return explorer.view(interop.load_pretrained(folder), tokenizer, SENTENCE)


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["a film that we all liked", NASTY], 200)
    shape = EncoderConfig.modern(len(tokenizer), hidden_size=16, num_layers=2, num_heads=2)
    return MaskedLanguageModel(shape).eval(), tokenizer


def test_the_guesses_are_those_of_the_pipeline(folder, seen):
    place = seen["tokens"].index("[MASK]")
    theirs = pipeline("fill-mask", model=str(folder), top_k=5)(SENTENCE)
    for (name, probability), one in zip(seen["guesses"][place], theirs, strict=True):
        assert name == one["token_str"].strip()
        assert probability == pytest.approx(one["score"], abs=1e-4)
    assert place not in seen["surprise"]


def test_the_attention_is_that_of_transformers(folder, seen):
    theirs = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    ids = interop.load_tokenizer(folder)(SENTENCE, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        maps = theirs(ids, output_attentions=True).attentions
    ours = explorer.weights(seen)
    assert ours.shape == (len(maps), *maps[0].shape[1:])
    assert (ours - torch.cat(maps)).abs().max() < 0.5 / 255 + 1e-4


def test_a_look_leaves_the_model_as_it_was(tiny):
    model, tokenizer = tiny
    model.train()
    explorer.view(model, tokenizer, "a film")
    assert model.training
    model.eval()


def test_the_surprise_is_that_of_the_library(tiny):
    model, tokenizer = tiny
    seen = explorer.view(model, tokenizer, "a film that we liked")
    ids = tokenizer("a film that we liked", return_tensors="pt")["input_ids"][0]
    places = list(seen["surprise"])
    expected = -masked_log_probabilities(model, ids, places, tokenizer.mask_token_id)
    assert list(seen["surprise"].values()) == pytest.approx(expected.tolist(), abs=1e-3)
    assert 0 not in places and len(ids) - 1 not in places


def test_the_sharpest_head_ignores_the_ends():
    soft = torch.full((2, 3, 5, 5), 0.2)
    soft[0, 2, :, :] = torch.tensor([1.0, 0, 0, 0, 0])  # all at [CLS]: nothing to say
    soft[1, 1, :, :] = torch.tensor([0, 0.1, 0.8, 0.1, 0])
    packed = [[explorer._packed(head) for head in layer] for layer in soft]
    assert explorer.sharpest({"tokens": list("abcde"), "attention": packed}) == (1, 1)


class Page(HTMLParser):
    """Counts elements and collects what stands in the JSON element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.data, self.inside = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("type") == "application/json"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.data += data * self.inside


def test_nothing_that_is_put_in_gets_out_of_its_place(tiny):
    model, tokenizer = tiny
    views = [explorer.view(model, tokenizer, text) for text in (NASTY, "a film")]
    text = explorer.page(views, title=NASTY, note=NASTY)
    parsed = Page(text)
    tags = [tag for tag, _ in parsed.elements]
    assert tags.count("script") == 2 and tags.count("svg") == 1 and "img" not in tags
    assert json.loads(parsed.data)["views"] == json.loads(json.dumps(views))


def test_the_page_needs_nobody(seen):
    text = explorer.page([seen], "Inside course-bert")
    parsed = Page(text)
    asked = {"src", "href", "action", "data", "poster", "srcset"}
    assert not [attrs for _, attrs in parsed.elements if asked & set(attrs)]
    assert not re.search(r"https?:|@import|url\(", text)
    (policy,) = [a["content"] for t, a in parsed.elements if a.get("http-equiv")]
    assert "default-src 'none'" in policy and "connect-src" not in policy
    live = Page(explorer.page([seen], "Inside", live=True))
    (policy,) = [a["content"] for t, a in live.elements if a.get("http-equiv")]
    assert "connect-src 'self'" in policy


def test_a_classifier_alone_or_beside(tiny):
    model, tokenizer = tiny
    judge = SequenceClassifier(Encoder(model.config), 3).eval()
    beside = explorer.view(model, tokenizer, "a film", classifier=judge, labels=list("abc"))
    alone = explorer.view(judge, tokenizer, "a film")
    assert [name for name, _ in beside["classes"]] == ["a", "b", "c"]
    assert [p for _, p in alone["classes"]] == pytest.approx([p for _, p in beside["classes"]])
    assert math.fsum(p for _, p in alone["classes"]) == pytest.approx(1)
    assert beside["guesses"] and not alone["guesses"]


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


WALK = """<script>
const press = key => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
document.querySelector("#tokens [aria-pressed=true]").focus();
["End", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp",
 "ArrowDown"].forEach(press);
</script></body>"""


def drawn_by_a_browser(path, *more):
    """The page as it stands after its scripts have run."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-background-networking", f"--user-data-dir={path.parent / 'profile'}",
               "--window-size=1000,1500", *more, "--dump-dom", path.as_uri()]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def pressed(page):
    """How many tokens there are, and the places of those that are chosen."""
    buttons = [attrs for _, attrs in Page(page).elements if "aria-pressed" in attrs]
    assert [a["tabindex"] == "0" for a in buttons] == [a["aria-pressed"] == "true" for a in buttons]
    return len(buttons), [i for i, a in enumerate(buttons) if a["aria-pressed"] == "true"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look at the page")
def test_a_browser_draws_it_and_the_keyboard_walks_it(tmp_path, seen):
    path = explorer.write(tmp_path / "page.html", [seen], "Inside course-bert", "A note.")
    picture = tmp_path / "page.png"
    page = drawn_by_a_browser(path, f"--screenshot={picture}")
    count, (chosen,) = pressed(page)
    assert count == len(seen["tokens"]) and seen["tokens"][chosen] == "[MASK]"
    assert seen["guesses"][chosen][0][0] in page
    if picture.is_file():  # some versions take either the DOM or the picture
        assert len(set(Image.open(picture).convert("L").tobytes())) > 10

    path.write_text(path.read_text("utf-8").replace("</body>", WALK), "utf-8")
    page = drawn_by_a_browser(path)
    count, (chosen,) = pressed(page)
    assert chosen == count - 3  # the last; no further; and two back
    layer = explorer.sharpest(seen)[0] + 1
    assert f"“{seen['tokens'][chosen]}”, layer {layer}, head 2: looks most" in page

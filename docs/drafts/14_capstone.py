# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14 · Ship your own BERT
#
# > **Can you do it alone, with your own text, and hand it to somebody?**
#
# | | |
# |---|---|
# | **Goal** | Take a folder of text to a model that somebody else can open: pretrained, measured against its ladder and its control, described on a card, exported, shown on a page, and entered into a race. |
# | **Study time** | 55 minutes. Exercise 14.7 takes a quarter of an hour of it. |
# | **Know first** | The loss ladder ([lesson 01](01_language_models.ipynb)), leakage ([lesson 02](02_text_data.ipynb)), pretraining ([lesson 07](07_pretraining.ipynb)) and fine-tuning ([lesson 08](08_finetuning.ipynb)). |
# | **Cost** | We predict 120 seconds and 2 GB on two cores of a laptop. The last cell compares. |
# | **The picture to keep** | Figure 14.1: the whole way, from raw text to an answer. |
#
# Axis letters are those of the whole course: B batch, L length, D width of the model, V vocabulary.

# %%
import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence  # the stubs below mention them
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import transformers
from torch import Tensor

from course_utils import check, demo, files, guess, hint, machine, results, solution
from course_utils.evaluation import explorer, language, leaderboard, plots, tasks, thread
from course_utils.evaluation.baselines import tfidf_classifier
from course_utils.evaluation.leaderboard import Entry
from course_utils.model.interop import load_pretrained, load_tokenizer, save_pretrained
from course_utils.text import corpora, folders
from course_utils.text.cleaning import deduplicate
from course_utils.text.folders import BLOCK_WORDS
from course_utils.training import cards, finetuning, pretraining
from course_utils.training.loop import TrainConfig

started = time.perf_counter()
plots.style()
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
COURSE_BERT = files.checkpoint_dir("course-bert")
course_bert, course_tokenizer = load_pretrained(COURSE_BERT), load_tokenizer(COURSE_BERT)
print(f"{machine.count_parameters(course_bert.config):,} parameters, trained in lesson 07")

# %% [markdown]
# ## 14.1 The way so far
#
# Thirteen lessons have passed, and each was about one step of one way. Before we walk it alone, we look back at it once. Everything in the figure comes from files that lie in this repository: the log that was written while `course-bert` was trained, and the reference runs of lessons 07 and 08. Only the last panel is made now: we ask.

# %% tags=["picture"]
sentence = "the [MASK] was a joy to watch."
seen = explorer.view(course_bert, course_tokenizer, sentence)
answers = seen["guesses"][seen["tokens"].index("[MASK]")]
fig = thread.draw(**thread.collected(), sentence=sentence, guesses=answers)
plots.show(
    fig,
    "Figure 14.1. The whole way: raw text; what guessing costs on each rung; the plateau on the "
    "unigram line and the fall from it (lesson 07, three seeds); the descent of course-bert; "
    "accuracy after fine-tuning, mean of five seeds (lesson 08); an answer.",
)

# %% [markdown]
# Read it like a story. Panel 2 is the price list: whoever knows nothing pays ln V for each hidden token, whoever knows how common words are pays the unigram price, and so on down. Panel 3 is the moment that this course was built around: the loss lies on the unigram line as if the model were broken, and then a head finds the word next door. Panel 4 is patience. Panel 5 is what all of it is worth to somebody who has a hundred labels and no patience at all. And its lines come together on the right: with thousands of labels, a bag of words is nearly as good. We never hide that.

# %% [markdown]
# **Exercise 14.1 · The moment it looked around** (★, 2 min)
#
# *Given:* Figure 14.1, the panel of the loss: the curve of `course-bert` and its ladder
#
# Between which two evaluations does the loss fall below the bigram line for good?
#
# - **a** before the first evaluation, at step 250
# - **b** between steps 250 and 500
# - **c** between steps 2,250 and 2,500, near the second snapshot
# - **d** never: the bigram line is the floor

# %%
check("14.1", ...)

# %% [markdown]
# ## 14.2 A folder of your own
#
# Now the text is yours: letters, a wiki, a novel out of copyright, the minutes of a club. Put `.txt` and `.md` files into a folder and name it here. With `None` we take one that comes with the course: passages of an encyclopedia, one file for each article. It is English like the film reviews, and apart from that as unlike them as can be.

# %%
MY_FOLDER = None  # or a path, such as "my_texts"

home = folders.course_folder(articles=6000) if MY_FOLDER is None else Path(MY_FOLDER)
text = folders.from_folder(home)
for side, table in text.items():
    words = sum(len(one.split()) for one in table["text"])
    print(f"{side:<11} {len(table):>6,} paragraphs, {words:>9,} words")
print("\n" + text["train"]["text"][0][:200], "…")

# %% [markdown]
# Between the folder and this table lies all that lesson 02 was about: Markdown and HTML lose their marks and keep their words, Windows quotes are repaired, paragraphs that differ in nothing but case and punctuation count once. And then comes the split, which is where models are made to look better than they are.
#
# **Predict.** We draw a tenth of all *paragraphs* at random and hold them out. How many of them have a paragraph of the same article on the other side: hardly any, about a third, more than half? And if we draw whole blocks of neighbouring paragraphs?

# %%
rows = folders.read_folder(home)
dice = np.random.default_rng(0)


def neighbours(train_files, held_out_files):
    """Share of held-out paragraphs whose file stands in the training part, too."""
    known = set(train_files)
    return np.mean([file in known for file in held_out_files])


names = np.array([row["file"] for row in rows])
out = dice.random(len(names)) < 0.1
at_random = neighbours(names[~out], names[out])
in_blocks = neighbours(text["train"]["file"], text["validation"]["file"])
print(f"paragraphs drawn one by one: {at_random:.1%} have their article on the other side")
print(f"blocks drawn as a whole:     {in_blocks:.1%}")

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: say both shares in words (the first is what "several passages per article" gives; blocks must be near zero, only articles longer than a block are cut), and return to the prediction. -->
# An article about a river names the river in each of its paragraphs. If two stand in training and one is held out, the model is asked for a name that it has just read, and the loss rewards it for a memory that no new text will ever ask for. So the unit of our split is the *block*: neighbouring paragraphs until there are 500 words. And the side of a block is read from a hash of its text: it does not change when you add files next week, and a model that goes on training then does not meet what it was tested on.

# %% [markdown]
# **Exercise 14.2 · What stands together stays together** (★★, 8 min)
#
# *Given:* the number of words of each paragraph of a file, in order


# %%
def blocks(lengths: Sequence[int], words: int = BLOCK_WORDS) -> list[int]:
    """The number of the block that each paragraph of a file belongs to, from 0 upwards.

    `lengths` are the paragraphs' words, in order. A block is closed as soon as it holds at least
    `words` of them; what is left at the end joins the block before when it has less than half.

    Raises:
        ValueError: `words` < 1, or a negative length.

    >>> blocks([30, 40, 50, 60, 10], words=60)
    [0, 0, 1, 1, 1]
    """
    raise NotImplementedError


check("14.2", blocks)

# %% [markdown]
# What about a paragraph that stands in two files, a greeting, a disclaimer, a quotation? The next function was written by somebody who had thought of it.

# %% [markdown]
# **Exercise 14.3 · Clean on either side** (★★★, 6 min)
#
# *Given:* a split that removes all doubles, and still leaks


# %%
def split_distinct(
    texts: list[str], held_out: list[bool]
) -> tuple[list[str], list[str]]:
    """The texts for training and the held-out ones; equal texts count once, the first decides.

    held_out[i] says whether text i was put on the validation side. Two texts are equal if
    `deduplicate` calls them so: it gives the places of the texts to keep.
    """
    train = [texts[i] for i in range(len(texts)) if not held_out[i]]
    validation = [texts[i] for i in range(len(texts)) if held_out[i]]
    train = [train[i] for i in deduplicate(train)]
    return train, [validation[i] for i in deduplicate(validation)]


check("14.3", split_distinct)

# %% [markdown]
# ## 14.3 A minute, spent in two ways
#
# We have a new kind of text and about a minute of two cores. There are two plans. **From scratch**: a small model, a vocabulary learned from this very text, three hundred steps of lesson 07's recipe. **Going on**: `course-bert` with its vocabulary of film reviews, a hundred steps on the new text, which Gururangan et al. (2020) called *don't stop pretraining*. Which one knows more about the held-out text after the minute? **Predict**, and give a reason for either side before you choose.
#
# How shall we compare them at all? Their vocabularies differ, so their losses do as well: one cuts *encyclopedia* into five pieces and pays for each of them, the other knows the word.

# %% [markdown]
# **Exercise 14.4 · Two losses, two vocabularies** (★, 2 min)
#
# *Given:* model A: 3.2 nats a token, 4.2 bytes a token; model B: 2.6 nats a token, 3.1 bytes a token; the same text
#
# Which of the two models knows the text better?
#
# - **a** A
# - **b** B, its loss is lower
# - **c** that cannot be said

# %%
guess("14.4", ...)

# %% [markdown]
# So we count per byte, as in lesson 01:
#
# $$\text{bits per byte} = \frac{\text{nats per token}}{\text{bytes per token}\cdot\ln 2}.$$
#
# By hand: a token of 4 bytes that costs 2.77 nats costs 4 bits, **1 bit a byte**. For a masked model this is a pseudo-score, since each token was guessed with its neighbours in sight; the next section of objections comes back to that.

# %%
check("14.4")
scratch = replace(
    pretraining.RECIPES["lesson"],
    train=replace(pretraining.RECIPES["lesson"].train, steps=300, eval_every=50),
)
going_on = replace(
    pretraining.RECIPES["course-bert"],
    train=TrainConfig(steps=100, lr=1e-3, weight_decay=0.1, warmup=10, eval_every=25),
    length=64, snapshots=(),
)  # fmt: skip
recipes = {"from scratch": scratch, "going on": going_on}
prepared = {
    "from scratch": pretraining.prepare(scratch, text),
    "going on": pretraining.prepare(going_on, text, course_tokenizer),
}


def bytes_per_token(tokenizer, texts):
    """UTF-8 bytes for each token of these texts."""
    pieces = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return sum(len(one.encode()) for one in texts) / sum(map(len, pieces))


widths = {
    way: bytes_per_token(one.tokenizer, text["validation"]["text"])
    for way, one in prepared.items()
}
print("               V   bytes/token   uniform  unigram   bigram   unigram, bits/byte")
for way, one in prepared.items():
    nats = one.ladder
    bits = language.bits_per_byte(nats["unigram"], 1, widths[way])
    print(f"{way:<12} {len(one.tokenizer):>5,} {widths[way]:>10.2f} {nats['uniform']:>11.2f}"
          f" {nats['unigram']:>8.2f} {nats['bigram']:>8.2f} {bits:>12.2f}")  # fmt: skip

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: one sentence on bytes a token (is the larger vocabulary of film reviews still the longer-winded or the shorter one on this text?), and on what the unigram lines say per byte. -->
# These lines cost no training, and they are the first thing to look at with any new text: a loss means nothing until you know what it costs to know nothing.

# %% tags=["nbval-ignore-output"]
before = language.masked_loss(course_bert, prepared["going on"].frozen)
print(f"course-bert as it is: {language.bits_per_byte(before, 1, widths['going on']):.2f} bits/byte")
models = {"from scratch": scratch.model(), "going on": load_pretrained(COURSE_BERT)}
histories = {}
for way, model in models.items():
    one = prepared[way]
    histories[way] = pretraining.pretrain(
        model, one.rows, one.frozen, one.tokenizer, recipes[way], progress=False
    )
losses = {way: history.evaluations[-1]["loss"] for way, history in histories.items()}
bits = {way: language.bits_per_byte(losses[way], 1, widths[way]) for way in models}
for way, history in histories.items():
    print(f"{way:<12} {history.seconds:3.0f} s, {losses[way]:.3f} nats, {bits[way]:.3f} bits/byte")

# %%
below = {way: prepared[way].ladder["unigram"] - losses[way] for way in models}
print("each lies below its own unigram line:", all(nats > 0 for nats in below.values()))
print("a hundred steps have helped course-bert:", losses["going on"] < before - 0.1)
results.record(
    bits_scratch=bits["from scratch"], bits_going_on=bits["going on"],
    seconds=sum(history.seconds for history in histories.values()),
)  # fmt: skip

# %%
fig, ax = plt.subplots(figsize=(7, 4))
for (way, history), line, mark, colour in zip(
    histories.items(), ("--", "-"), ("s", "o"), (plots.ORANGE, plots.BLUE)
):
    share = [one["step"] / recipes[way].train.steps for one in history.evaluations]
    seconds = [part * history.seconds for part in share]
    curve = [language.bits_per_byte(one["loss"], 1, widths[way]) for one in history.evaluations]
    ax.plot(seconds, curve, line, marker=mark, color=colour, label=way)
    unigram = language.bits_per_byte(prepared[way].ladder["unigram"], 1, widths[way])
    ax.axhline(unigram, color=colour, linewidth=1, dashes=(1, 1.5))
start = language.bits_per_byte(before, 1, widths["going on"])
ax.plot([0], [start], "o", color=plots.BLUE, markerfacecolor="white", label="course-bert as it is")
ax.set(xlabel="seconds of training", ylabel="bits per byte of held-out text")
ax.legend()
plots.show(
    fig,
    "Figure 14.2. Two ways to spend a minute on a new kind of text: bits per byte of the held-out "
    "blocks against seconds; the dotted lines are the unigram lines of the two vocabularies.",
)

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: return to the prediction; which way won, by how much per byte; where the small model is on its plateau after how many seconds; say "seconds on this machine". -->
# One seed is one seed, and a comparison needs its control: is it the *pretraining* that helps, or only the larger shape? The reference run has three seeds of each, and a **random twin** of `course-bert`, of the same shape and vocabulary, trained on the new text for just as many steps, at a learning rate that was chosen for it alone.

# %%
path = files.data_dir() / "reference" / "lesson_14.jsonl"
runs = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
runs = [run for run in runs if run["seed"] < 100]  # the others chose the learning rates
for way in ("untouched", "scratch", "twin", "continued"):
    found = [run["bits_per_byte"] for run in runs if run["way"] == way]
    spread = f" ({min(found):.2f} … {max(found):.2f})" if len(found) > 1 else ""
    print(f"{way:<10} {np.mean(found):.2f} bits/byte{spread}")
films = {way: np.mean([run["film_loss"] for run in runs if run["way"] == way])
         for way in ("untouched", "continued")}  # fmt: skip
print(f"\non film reviews: {films['untouched']:.2f} nats before, {films['continued']:.2f} after")

# %%
band = [run["bits_per_byte"] for run in runs if run["way"] == "continued"]
print("our live run lies near the reference:", abs(bits["going on"] - np.mean(band)) < 0.05)

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: what the twin says (pretraining against shape), how large the spread over seeds is beside the differences, and what was forgotten on film reviews: going on is not free. -->

# %% [markdown]
# ## 14.4 A card that follows from the log
#
# A model without a card is a file. Mitchell et al. (2019) asked for a page that says what a model is, what it has read, how it was measured and what it must not be used for. Most of it can be computed, and whatever can be computed should be: a figure that is typed into a card was right on the day when it was typed.

# %% [markdown]
# **Exercise 14.5 · A card that cannot boast** (★★, 8 min)
#
# *Given:* the dictionary that lies beside a model as `log.json`, and one of its evaluated steps


# %%
def card_figures(log: dict, step: int) -> dict[str, float]:
    """What a card says about the model as it was after `step`, from the log of its training.

    "loss": nats in the evaluation at that step; "below_unigram": how many nats that is below the
    unigram line; "tokens": how many tokens it had read by then; "epochs": how often each row;
    "minutes": that step's share of the whole run's seconds, in minutes.
    """
    raise NotImplementedError


check("14.5", card_figures)

# %% [markdown]
# The card of the course is written by `training.cards` from the log that lies beside the model, and the tests hold that `course-bert`'s own card is what this code writes, to the letter. What no log can know is what *you* know: whose text it was, under which licence, who may not be shown it. These are the entries of `own_text`, and they are yours to fill in.

# %% tags=["nbval-ignore-output"]
shipped = min(bits, key=bits.get)
out = files.build_dir() / "checkpoints" / "my-bert"
model, corpus, recipe = models[shipped], prepared[shipped], recipes[shipped]
save_pretrained(model, out, corpus.tokenizer, dtype=torch.float16)
about = cards.own_text(
    home.name,
    bytes_per_token=widths[shipped],
    limits="Passages of Wikipedia, by its authors, CC BY-SA 3.0. The model knows no facts: it knows\n"
    "which words stand beside which, and it will say what is false as readily as what is true.",
)
if shipped == "going on":
    about |= {"start": "from `course-bert`", "vocabulary": "those of `course-bert`"}
log = cards.make_log(
    recipe, corpus.ladder, histories[shipped], len(corpus.rows), "lesson 14, section 14.3", about
)
cards.write(out, log, machine.count_parameters(model.config))
print((out / "README.md").read_text("utf-8"))

# %% [markdown]
# Read the card as a stranger would. Could you say how good the model is, compared with what, on which text? Could you make it again? And the last paragraph: would it have kept anybody from using it for something foolish? If it is your own folder that was read, that paragraph is the place where you say so, before you hand the model to anybody: what has been read can be asked for (lesson 12 asks).

# %% [markdown]
# ## 14.5 Opened by somebody else
#
# The folder holds a configuration, weights as safetensors, and a tokenizer; nothing in it has to be executed. So anybody with `transformers` can open it, without this course and without trusting us:

# %% tags=["nbval-ignore-output"]
fill = transformers.pipeline("fill-mask", model=str(out), top_k=3)
for question in ("the capital of the country is [MASK].", "the film was released in [MASK]."):
    said = ", ".join(f"{one['token_str']} {one['score']:.0%}" for one in fill(question))
    print(f"{question:<42} {said}")

# %%
ids = corpus.tokenizer("the film was released in [MASK].", return_tensors="pt")["input_ids"]
with torch.inference_mode():
    ours = load_pretrained(out)(ids)[0].softmax(-1)
    theirs = fill.model(ids.to(fill.model.device)).logits[0].softmax(-1).cpu()
print("the pipeline's probabilities are ours:", bool((ours - theirs).abs().max() < 1e-4))

# %% [markdown]
# What does the pipeline do between the logits and its answer? Three lines, which you can write.

# %% [markdown]
# **Exercise 14.6 · What the pipeline says** (★★, 5 min)
#
# *Given:* the logits of one hidden place, and the names of the tokens


# %%
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
    raise NotImplementedError


check("14.6", guesses)

# %% [markdown]
# **One hole is a question, two holes are a trap.** Ask any masked model for two words side by side, and the pipeline fills each as if the other stayed empty. **Predict** what can go wrong in "he was born in [MASK] [MASK] in the united states" when *new york* and *san francisco* are both in the model's mind.

# %% tags=["nbval-ignore-output"]
question = "he was born in [MASK] [MASK] in the united states."
for number, hole in enumerate(fill(question), start=1):
    print(f"hole {number}:", ", ".join(f"{one['token_str']} {one['score']:.0%}" for one in hole))

# %% [markdown]
# **Exercise 14.7 · Two holes** (★★★★, 15 min)
#
# *Given:* a sentence with two masks, and a function that gives log-probabilities for every place


# %%
def fill_two(
    ids: Tensor, mask_id: int, scores: Callable[[Tensor], Tensor], top: int
) -> tuple[int, int]:
    """The best pair of tokens for the two places of `ids` (L,) that hold `mask_id`; ids stays.

    scores(ids) gives log-probabilities, (L, V). Try the `top` best tokens at the first hole: write
    each in, ask again, and take the best token at the second. The pair with the largest sum of
    the two log-probabilities wins.
    """
    raise NotImplementedError


check("14.7", fill_two)

# %% tags=["nbval-ignore-output"]
from course_utils.exercises.lesson_14 import words

tokenizer = corpus.tokenizer


@torch.inference_mode()
def scores(ids):
    """Log-probabilities (L, V) of the shipped model for one sentence."""
    return model.eval()(ids.unsqueeze(0))[0].log_softmax(-1)


ids = tokenizer(question, return_tensors="pt")["input_ids"][0]
alone = scores(ids).argmax(-1)[ids == tokenizer.mask_token_id].tolist()
together = words.fill_two(ids, tokenizer.mask_token_id, scores, top=20)
for how, pair in (("each by itself", alone), ("one after the other", together)):
    print(f"{how:<20} {' '.join(tokenizer.convert_ids_to_tokens(pair))}")

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: what the two pairs are; if they agree here, choose a sentence where they do not. -->
# One sentence proves nothing, and we have chosen it. So we take sixty rows of held-out text, hide the same two neighbouring places in each, and count. **Predict** in how many of the sixty the two ways differ, and which of them is right more often.

# %% tags=["nbval-ignore-output"]
held_out = pretraining.encode(tokenizer, text["validation"]["text"], 32)
held_out = held_out[:: max(1, len(held_out) // 60)][:60]
right, differ, saved = np.zeros(2, int), 0, []
for row in held_out:
    truth, hidden = row[12:14].tolist(), row.clone()
    hidden[12:14] = tokenizer.mask_token_id
    alone = scores(hidden)[12:14].argmax(-1).tolist()
    together = list(words.fill_two(hidden, tokenizer.mask_token_id, scores, top=20))
    right += [alone == truth, together == truth]
    differ += alone != together
    told = hidden.clone()
    told[12] = truth[0]  # the true first word is written in
    saved.append((scores(told) - scores(hidden))[13, truth[1]].item())
print(f"of {len(held_out)} pairs the two ways differ in {differ}")
print(f"right: {right[0]} each by itself, {right[1]} one after the other")
print(f"the true first word makes the second {np.mean(saved):.2f} nats cheaper, on average")

# %%
print("knowing the first word helps with the second:", np.mean(saved) > 0.2)

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: what was counted, and whether sixty pairs are enough to tell the two ways apart (the sign test on those that differ; in a trial they were not). -->
# Two different things stand here. That the second word becomes cheaper once the first is known is information, and the model has it. Whether the likeliest *pair* is right more often is another question, and sixty rows may well be too few to answer it: a pair can be likelier and still be wrong, and with a first word that is wrong the second is led astray as well.
#
# Twenty-one calls for two words. A writer that works from left to right needs one call a word, which is the whole reason for lesson 11's causal mask.

# %% [markdown]
# ## 14.6 A page to look into it
#
# Numbers convince those who have asked for them. Everybody else wants to look. So we make one page, a single file: it opens with a double click, needs no server, no network and no library, can be used with the keyboard alone, and its policy forbids it to ask anybody for anything. First the still picture that also stands on the page: the head that looks most decidedly at something else than the ends of the sentence.

# %%
sentences = (
    ["the [MASK] is the longest river in africa.", "it was [MASK] in the nineteenth century."]
    if MY_FOLDER is None
    else [one[:120] for one in text["validation"]["text"][:2]]
)
views = [explorer.view(model, tokenizer, one) for one in sentences]
layer, head = explorer.sharpest(views[0])
fig, ax = plt.subplots(figsize=(5, 4.5))
image = plots.attention_map(ax, explorer.weights(views[0])[layer, head], views[0]["tokens"])
fig.colorbar(image, ax=ax, label="attention weight")
plots.show(
    fig,
    "Figure 14.3. The most decided head of the shipped model on one sentence: each row shows where "
    "one token looks; rows add up to one.",
)

# %%
page = explorer.write(
    files.build_dir() / "explorer" / "my-bert.html", views, "Inside my BERT",
    "A small masked language model. Choose a token to see where it looks and what would be "
    "guessed in its place.",
)  # fmt: skip
course_views = [explorer.view(course_bert, course_tokenizer, one) for one in sentences]
other = explorer.write(page.with_name("course-bert.html"), course_views, "Inside course-bert")
print("written:", page.name, "and", other.name, "in the folder", page.parent.name)
print("asks anybody for anything:", bool(re.search(r"https?:|src=|href=", page.read_text("utf-8"))))

# %% [markdown]
# One page for each model: open `build/explorer/my-bert.html` and `course-bert.html` side by side and walk along the sentence with the arrow keys. Two warnings from lesson 12 belong on the wall beside it: where a head looks is not why the model says what it says, and a head that was *chosen* because it looks interesting proves nothing about the others.
#
# The page carries its data inside itself, as JSON in a `<script>` element. And the data holds sentences, and sentences are written by strangers.

# %% [markdown]
# **Exercise 14.8 · A sentence that breaks out** (★★★, 8 min)
#
# *Given:* data with texts that anybody may have written, to be put inside a <script> element


# %%
def embed(data) -> str:
    """JSON for `data` that can stand inside <script type="application/json"> … </script>.

    What the page reads back with JSON.parse must be `data` again, to the letter.  No text in it may
    end the element or open another: a browser looks for `</script` and `<!--` before it looks at
    anything else, in capitals, too.  Entities such as &lt; are not decoded in there.
    """
    raise NotImplementedError


check("14.8", embed)

# %% [markdown]
# ## 14.7 A demo that answers
#
# A page with sentences that we have chosen shows what we want to be seen. A demo lets others choose. It needs somebody who computes, a server, and Python has one that is good enough for one machine. Before that, our model gets a second voice: we fine-tune it on 256 labelled film sentences, as in lesson 08, so that it can say whether a sentence praises. **Predict** its accuracy: it has just read an encyclopedia.

# %% tags=["nbval-ignore-output"]
table = corpora.load("rotten_tomatoes")
labelled = finetuning.few_labels(table["train"]["label"], 256, seed=0)
texts, labels = ([table["train"][name][i] for i in labelled] for name in ("text", "label"))
WORDS = (["bad", "terrible", "awful", "boring", "poor"], ["good", "great", "best", "fun", "perfect"])
unknown = tokenizer.unk_token_id
named = [[i for i in tokenizer.convert_tokens_to_ids(names) if i != unknown] for names in WORDS]
sorter = finetuning.classifier_from(model, 2, words=named if all(named) else None)
config = finetuning.FinetuneConfig.for_labels(256, lr=1e-3)
finetuning.finetune(sorter, tokenizer, texts, labels, config, progress=False)
asked, truth = list(table["test"]["text"]), list(table["test"]["label"])
accuracy = tasks.accuracy(truth, finetuning.predict(sorter, tokenizer, asked).argmax(1))
bag = tasks.accuracy(truth, tfidf_classifier(texts, labels).predict(asked))
print(f"our sorter {accuracy:.1%}, TF-IDF {bag:.1%}, the laziest {truth.count(0) / len(truth):.1%}")
second = files.build_dir() / "checkpoints" / "my-sorter"
save_pretrained(sorter, second, tokenizer, torch.float16, labels=["negative", "positive"])
classify = transformers.pipeline("text-classification", model=str(second))
print(classify("a warm, clever and moving film"))

# %%
print("better than the laziest:", accuracy > truth.count(0) / len(truth) + 0.02)
results.record(sorter_accuracy=float(accuracy))

# %% [markdown]
# <!-- PROSE-AFTER-RESULTS: compare with the 256-label column of lesson 08 (course-bert, twin, TF-IDF), and say whether the encyclopedia has cost something. -->
# The learning rate is the one that lesson 08 found for `course-bert`; nothing was chosen here. Now the server. It listens on this machine alone (`127.0.0.1`); the next cell starts it on a free port, asks it a question as a browser would, and stops it.

# %% tags=["nbval-ignore-output"]
answerer = demo.Answerer(out, second)
with demo.serve(answerer, port=0) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/api/look"
    question = json.dumps({"text": "a [MASK] film with a tired plot"}).encode()
    request = urllib.request.Request(address, question, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        told = json.load(answer)
    server.shutdown()
hole = str(told["tokens"].index("[MASK]"))
print("guesses:", ", ".join(f"{name} {p:.0%}" for name, p in told["guesses"][hole]))
print("classes:", ", ".join(f"{name} {p:.0%}" for name, p in told["classes"]))

# %%
still = demo.write(answerer, files.build_dir() / "explorer" / "my-demo.html")
print("entries of an answer:", ", ".join(sorted(told)))
print("the same page without a server:", still.name)

# %% [markdown]
# In a terminal the same is `course demo`, which takes the model in `build/checkpoints/my-bert` if there is one, or any folder that you name: `course demo build/checkpoints/my-bert --classifier build/checkpoints/my-sorter`. If its port is taken it says so and proposes another.
#
# Look into `course_utils/demo.py` once: most of it says *no*. A question from another page of the same browser is refused, because any page that you visit could otherwise talk to a server on your machine; a question longer than a few thousand bytes is not read; a name that is not this machine's is not answered. That is the difference between a demo and an open door, and no framework makes it for you.

# %% [markdown]
# ## 14.8 The race
#
# How low can a loss be brought in a fixed time? It is the question that a sport is made of, and there is no public one for masked language models. So this repository holds a race with rules that somebody who wants us to lose could accept ([its page](../benchmarks/README.md)). It takes hours, and this cell tells what it has found, if it has been run:

# %% tags=["nbval-ignore-output"]
for line in leaderboard.race_report():
    print(line)

# %% [markdown]
# And here is a small one of our own: the held-out blocks of *this* folder, their frozen masks in the vocabulary of `course-bert`, two minutes at most. Both our runs of section 14.3 would like to enter. **Predict** which of them may.

# %% tags=["nbval-ignore-output"]
BUDGET = 120.0  # seconds of training
masks = leaderboard.fingerprint(prepared["going on"].frozen)
board = files.build_dir() / "leaderboard.json"
for way, history in histories.items():
    mine = leaderboard.fingerprint(prepared[way].frozen)
    leaderboard.enter(Entry(way, losses[way], history.seconds, mine), board)
leaderboard.enter(Entry("course-bert as it is", before, 0.0, masks), board)
for place, entry in enumerate(leaderboard.rank(leaderboard.read(board), masks, BUDGET), start=1):
    print(f"{place}. {entry.name:<22} {entry.loss:.3f} nats in {entry.seconds:3.0f} s")

# %% [markdown]
# The model from scratch is missing, and rightly so: it was judged on other tokens. It may have won per byte or lost per byte, and on this board neither can be said. The referee who throws it out is short enough to write yourself.

# %% [markdown]
# **Exercise 14.9 · The referee** (★★★, 8 min)
#
# *Given:* entries with `name`, `loss`, `seconds` and `masks`; which masks and budget count


# %%
def rank(entries: Iterable[Entry], masks: str, budget: float) -> list[Entry]:
    """The valid entries, best first; of each name the best one only.

    Valid is what was judged on `masks`, took at most `budget` seconds, and has a finite loss.  The
    lowest loss is best; among equal losses the shorter time.  `entries` itself is not changed.
    """
    raise NotImplementedError


check("14.9", rank)

# %% [markdown]
# **Your entry.** Change what you like in `going_on`: the learning rate, the length, the share of hidden tokens, the number of steps, as long as the seconds stay within the budget and the training rows are all you train on. Give it your name and enter it; the board stays in `build/leaderboard.json`. Whoever brings the loss below ours with the same two minutes has understood lessons 06, 07 and 13.

# %% [markdown]
# ## 14.9 What would have fooled us
#
# **A board on which one may enter twenty times.** Suppose that twenty runs of one recipe differ by nothing but their seed, and that a seed is worth 0.01 nats of luck. How much lower than an honest run is the best of them?

# %%
luck = np.random.default_rng(0).normal(0, 0.01, (10_000, 20))
print(f"one run: {luck[:, 0].mean():+.4f} nats, the best of twenty: {luck.min(1).mean():+.4f}")

# %% [markdown]
# Nearly two hundredths of a nat for nothing but persistence, so a board with small gaps is a board of patience. The real race takes the mean over five seeds and a test.
#
# **Bits per byte of a masked model.** Two vocabularies hide different things: where one hides a whole word, the other may hide half of it and leave the other half to be read. The model whose pieces are shorter has it easier *within* words. So per byte we may compare models of one vocabulary safely, and of two only when the gap is large. The unigram lines of the table in 14.3, which know no neighbours at all, are the safe part.
#
# **A folder that has been read before.** `course-bert` has read film reviews, and an encyclopedia has articles about films. If your folder were reviews of films, "going on" would be tested on sentences that it knows by heart. The tables of the course are kept apart by construction; your folder is not, and only you can know.
#
# **A demo.** Five sentences that work are five sentences that work. The demo is how people come to like a model; the frozen masks are how they come to know it.

# %% [markdown]
# ## 14.10 Where to go from here
#
# **What larger models add.** Nothing that is on this page is a toy version of something else: the encoder, the loss, the optimizer, the card are those of the large ones. What comes with size is more text (BERT read 3.3 *billion* words; ours has read a few million), longer inputs, several machines, and the curves of lesson 13, which say when it is worth it. ModernBERT (Warner et al. 2024) is the same architecture as ours with layers that look only at neighbours in between; DeBERTa and ELECTRA ask another question during pretraining; sentence encoders are trained for the vector of a whole text.
#
# **Other frameworks.** The weights are safetensors, a format without a framework. NumPy reads them, and so do JAX and TensorFlow; the names are those of `transformers`. To see that nothing is hidden, here is a word's vector without PyTorch:

# %%
from safetensors.numpy import load_file

weights = load_file(COURSE_BERT / "model.safetensors")
(name,) = [key for key in weights if "tok_embeddings" in key]
film = course_tokenizer.convert_tokens_to_ids("film")
same = np.allclose(weights[name][film], course_bert.encoder.tokens.weight[film].detach(), atol=1e-3)
print(name, weights[name].shape, "the same numbers:", same)

# %% [markdown]
# **Courses and books.** Each of them starts where this one is short. Jurafsky and Martin, *Speech and Language Processing*: the whole field, with its history. Stanford's CS224N: the linguistics and the research. CS336 of the same house: decoders at scale, from the tokenizer to the alignment. *Dive into Deep Learning*: the mathematics, in four frameworks. The UvA deep learning notebooks: the same concepts in PyTorch and in JAX. ARENA: how to take models apart. Raschka, *Build a Large Language Model (From Scratch)*: the decoder, as patiently as we took the encoder. Prince, *Understanding Deep Learning*: the why, with the best figures of all. Tunstall, von Werra and Wolf, *Natural Language Processing with Transformers*, and the Hugging Face course: the tools of the trade.
#
# **Open challenges**, each with the number that would settle it:
#
# 1. *Your language.* A folder in a language that is not English. Which vocabulary size gives the fewest bits per byte after two minutes?
# 2. *The half-size model.* Distil `course-bert` into a million parameters and lose at most half a nat.
# 3. *Without forgetting.* Go on with a mixture of old and new text. How many film reviews in ten rows keep the film loss where it was?
# 4. *The other framework.* Our forty-eight lines of lesson 05 in JAX, with `course-bert`'s weights: logits equal to 1e-4.
# 5. *A faster minute.* The board above, by any means that its referee accepts.
# 6. *The honest pair.* A sentence score for two holes that costs fewer than 1 + `top` calls and chooses the same pair in nine cases of ten.

# %% [markdown]
# ## Recap
#
# - A corpus is a folder, cleaned, without doubles, and split in blocks, because neighbours know each other.
# - The ladder of the *new* text comes before any training, and per byte it is a ladder for every vocabulary.
# - Going on from a pretrained model is compared with its random twin, and with what it has forgotten.
# - A card follows from the log; what no log can know, you have to say.
# - A folder of configuration, weights and tokenizer opens anywhere, and runs nobody's code.
# - A page that shows other people's sentences must not run them; a server on your machine must know how to say no.
# - Before anything is sorted, the referee throws out what cannot be compared.
#
# ## Five quick questions
#
# <details><summary>1. You hold out every tenth paragraph of a novel. What is wrong with it?</summary>
#
# Its neighbours stand in the training part, with the same names and often the same phrases. Hold out blocks, and of a novel better whole chapters.
# </details>
#
# <details><summary>2. Your loss is 3.1 nats, mine 3.4. Is yours the better model?</summary>
#
# Only if both were measured on the same hidden tokens, that is the same text, vocabulary and masks. Otherwise ask for bits per byte, and even then be careful with small gaps.
# </details>
#
# <details><summary>3. Going on from course-bert beats training from scratch. Has pretraining helped?</summary>
#
# Perhaps it was only the larger shape, or the larger vocabulary. The random twin, with both of them and without the pretraining, answers that.
# </details>
#
# <details><summary>4. Why does a masked model fill two neighbouring holes so badly?</summary>
#
# Because it was trained to give the probability of each hidden token by itself. The second hole does not know what was written into the first, until you write it in and ask again.
# </details>
#
# <details><summary>5. Your demo listens on 127.0.0.1 only. Who could still talk to it?</summary>
#
# Every page that is open in a browser on your machine. That is why the server looks at the host, the origin and the kind of content before it answers.
# </details>
#
# ## Further reading
#
# - Gururangan et al. (2020), *Don't Stop Pretraining*: going on, on four kinds of text.
# - Mitchell et al. (2019), *Model Cards for Model Reporting*; Gebru et al. (2018), *Datasheets for Datasets*.
# - Salazar et al. (2020), *Masked Language Model Scoring*: what a masked model's score is and is not.
# - Clark et al. (2019), *What Does BERT Look At?*: heads, and why so many look at the ends.
# - Warner et al. (2024), *ModernBERT*; Geiping and Goldstein (2022), *Cramming*: how far one GPU and one day go.
# - Dehghani et al. (2021), *The Benchmark Lottery*: what boards do to a field.
#
# **Before:** [13 · Scaling](13_scaling.ipynb). **Next:** your own.

# %% tags=["nbval-ignore-output"]
import psutil

memory = psutil.Process().memory_info().rss / 1e6
taken = time.perf_counter() - started
print(f"predicted 120 s and 2000 MB; measured {taken:.0f} s and {memory:.0f} MB")

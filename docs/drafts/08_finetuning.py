# ---
# jupyter:
#   # ruff: noqa
#   jupytext:
#     notebook_metadata_filter: kernelspec,language_info
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
# # 08 · Fine-tuning
#
# > **What is pretraining worth?**
#
# | | |
# |---|---|
# | **Goal** | Turn a pretrained encoder into a classifier of film sentences, say in labels and in minutes what the pretraining has saved, and learn to choose a model before paying for it. |
# | **Study time** | 60 minutes. The long exercise, 08.13, takes half an hour more and can wait for a second visit. |
# | **Know first** | What an encoder gives for each token ([lesson 05](05_transformer.ipynb)), how a training loop goes ([lesson 06](06_training.ipynb)), and how `course-bert` came about ([lesson 07](07_pretraining.ipynb)). |
# | **Cost** | We predict 140 seconds and 2 GB on two cores of a laptop. The last cell compares. |
# | **The picture to keep** | Figure 8.2: how many labels pretraining saves; and Figure 8.3: what its minutes buy. |
#
# Axis letters are those of the whole course: B batch, L length, D width of the model, C classes.

# %%
import json
import math
import time
from collections.abc import Sequence  # the stubs below mention it

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import transformers
from scipy import stats
from torch import Tensor, nn  # the stubs below mention them

from course_utils import check, files, guess, hint, machine, results, solution
from course_utils.evaluation import plots, tasks
from course_utils.evaluation.baselines import tfidf_classifier
from course_utils.evaluation.tasks import Interval
from course_utils.model.heads import MaskedLanguageModel
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import corpora
from course_utils.training import finetuning
from course_utils.training.optim import schedule

started = time.perf_counter()
plots.style()
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
tokenizer = load_tokenizer(files.checkpoint_dir("course-bert"))
sentences = corpora.load("rotten_tomatoes")
train, validation, test = (
    (list(sentences[part]["text"]), list(sentences[part]["label"]))
    for part in ("train", "validation", "test")
)
for name, (texts, labels) in (("train", train), ("validation", validation), ("test", test)):
    print(f"{name:<11} {len(texts):>5,} sentences, {sum(labels):>5,} of them positive")
print(f"\n{train[1][0]}: {train[0][0]}")

# %% [markdown]
# These are sentences cut from film reviews by professional critics, each of them called positive or negative (Pang and Lee 2005). The split is our own, made by the course from what was the *training* part of that collection. Keep this in mind, we come back to it.

# %% [markdown]
# ## 8.1 Five lines that everybody has copied
#
# Somebody has a sentence and wants to know whether it praises or damns. On the net we find an answer, in hundreds of copies, and it goes like this:
#
# ```python
# tokenizer = BertTokenizer.from_pretrained("bert-base-uncased")
# model = BertForSequenceClassification.from_pretrained("bert-base-uncased")
# outputs = model(**tokenizer("I loved it!", return_tensors="pt"))
# outputs.loss.backward()
# optimizer.step()
# ```
#
# We shall not run it. **Read it first as a detective**, and count what is missing before you go on. We found eight things:
#
# | what is missing | what happens |
# |---|---|
# | an optimizer: the name is never defined | `NameError`, and this one is at least loud |
# | labels | without them there is no loss: `outputs.loss` is `None` |
# | a batch | one sentence is no sample; with two, lengths differ, and then padding and its mask are needed |
# | `zero_grad` | from the second step on, old gradients are added to new ones |
# | `model.train()` | `from_pretrained` gives a model in evaluation mode: no dropout while it learns |
# | epochs and a learning rate | one step teaches nothing, and the learning rate decides everything (section 8.3) |
# | an evaluation | nobody would ever notice that it has learned nothing |
# | a file that is there | a name like this one is a download of 440 MB, from wherever, of whatever stands there today |
#
# The second line of the table is easily proved, with our own checkpoint and with `transformers`' own classes. It opens without the network and without anybody's code but the library's:

# %%
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = files.checkpoint_dir("course-bert")
theirs = AutoTokenizer.from_pretrained(folder, local_files_only=True)
torch.manual_seed(0)
model = AutoModelForSequenceClassification.from_pretrained(
    folder, num_labels=2, local_files_only=True
)
batch = theirs(
    ["I loved it!", "A long, dull, empty film."],
    padding=True, truncation=True, return_tensors="pt", return_token_type_ids=False,
)  # fmt: skip
print(batch["attention_mask"])
print("without labels:", model(**batch).loss)
loss = model(**batch, labels=torch.tensor([1, 0])).loss
print("with labels:    a loss of shape", tuple(loss.shape))
print("training mode: ", model.training)

# %% [markdown]
# There is the attention mask, too. The first sentence is shorter than the second, and the zeros say where it ends. Here is the snippet again, complete. It is fifteen lines and not five, and every one of the ten that came in answers a line of the table.

# %% tags=["nbval-ignore-output"]
texts, labels = train[0][:160], torch.tensor(train[1][:160])
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
losses = []
model.train()
for _ in range(4):
    for rows in torch.arange(160).split(16):
        batch = theirs(
            [texts[i] for i in rows], padding=True, truncation=True,
            return_tensors="pt", return_token_type_ids=False,
        )  # fmt: skip
        loss = model(**batch, labels=labels[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
model.eval()
first, last = np.mean(losses[:10]), np.mean(losses[-10:])
print(f"loss of the first epoch {first:.2f}, of the last {last:.2f}")

# %%
print("the last epoch's loss is lower than the first's:", last < first)
print(f"ln 2 = {math.log(2):.2f}, the loss of a blind guess between two classes")

# %% [markdown]
# The loss fell. Has the model learned anything? We do not know. These are 160 sentences that it saw four times each, and a model with millions of weights can learn 160 sentences by heart. The last line of the table, the evaluation, is still missing, and it needs a number to be compared with. **Predict** that number.

# %% [markdown]
# **Exercise 08.1 · The laziest classifier** (★, 1 min)
#
# *Given:* a test part of 782 sentences; 378 of them are positive
#
# A classifier has collapsed and always says the same class, the more frequent one. What is its accuracy, as a share from 0 to 1?

# %%
guess("08.1", ...)

# %%
negative = test[1].count(0)
print(f"{negative} of {len(test[1])} are negative: {negative / len(test[1]):.3f}")
check("08.1")

# %% [markdown]
# "My fine-tuned model says the same class for everything" may well be the question that is asked most often about fine-tuning, and an accuracy of 52 % is how it begins. So the majority stands under every figure of this lesson.
#
# Two pieces of the fifteen lines are worth writing once by hand, the batch and the step.

# %% [markdown]
# **Exercise 08.2 · A rectangle of sentences** (★★, 6 min)
#
# *Given:* a list of rows of token ids, of several lengths, and the id of [PAD]


# %%
def pad_rows(rows: list[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Pad rows on the right: (input_ids, attention_mask), both int64 (B, longest).

    The mask is 1 for a token and 0 for padding. A row may hold `pad_id` as a real token: only
    what you add is padding.
    """
    raise NotImplementedError


check("08.2", pad_rows)

# %% [markdown]
# **Exercise 08.3 · The step that learns nothing** (★★, 4 min)
#
# *Given:* a training step with all the right calls: it runs, and the loss never moves


# %%
def training_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, labels: Tensor
) -> float:
    """One step of training on one batch; returns its mean cross-entropy, from before the step."""
    loss = F.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


check("08.3", training_step)

# %% [markdown]
# How much of a batch is padding? That depends on who sits together. If sixteen sentences are drawn at random, the longest decides for all. We do better when we sort a few hundred by length and cut batches from the sorted ones, as Vaswani et al. (2017, section 5.1) did: then neighbours are about equally long. **Predict** what share of all computed tokens is padding, in both cases.

# %%
lengths = np.array([len(row) for row in tokenizer(train[0])["input_ids"]])
shuffled = lengths[np.random.default_rng(0).permutation(len(lengths))][:6912]


def padding_share(lengths, size=16):
    """Which part of the rectangles is padding, if neighbours share a batch of `size`."""
    batches = lengths.reshape(-1, size)
    return 1 - batches.sum() / (batches.max(1) * size).sum()


buckets = np.sort(shuffled.reshape(-1, 256), axis=1).reshape(-1)
print(f"a sentence has {lengths.mean():.0f} tokens on average, the longest {lengths.max()}")
print(f"padding in random batches: {padding_share(shuffled):.0%}")
print(f"padding in batches by length: {padding_share(buckets):.0%}")

# %% [markdown]
# Nobody's result depends on it, only everybody's bill. The course's `finetuning.finetune` sorts like that within pools of sixteen batches, so that batches still differ from epoch to epoch.

# %% [markdown]
# ## 8.2 From a vector for each token to one decision
#
# An encoder gives L vectors, and we need two numbers. What goes between them? First *pooling*, from (B, L, D) to (B, D). The BERT of 2018 took the first token's vector, `[CLS]`, which had been trained for a second task, to say whether two sentences follow each other. `course-bert` never had that task: nobody has ever asked its `[CLS]` for anything. So we take the mean of all tokens,
#
# $$\bar h = \frac{\sum_l m_l\, h_l}{\sum_l m_l},$$
#
# where $m_l$ is 1 for a token and 0 for padding. By hand, for one sentence with states 1, 3 and a padded 9: (1 + 3)/2 = **2**. Whoever forgets the mask gets 13/3, and whoever masks the sum but divides by three gets 4/3.

# %% [markdown]
# **Exercise 08.4 · The mean of a sentence** (★★, 5 min)
#
# *Given:* hidden states of a padded batch, and its attention mask


# %%
def masked_mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of each text's hidden states: (B, L, D) → (B, D), in the dtype of `hidden`.

    attention_mask is int64 (B, L), 1 for a token and 0 for padding; padding counts for nothing.
    """
    raise NotImplementedError


check("08.4", masked_mean)

# %% [markdown]
# Then comes a *head*. Ours is the dense layer that stood before the word predictions in pretraining, with its weights, and a last linear layer from D numbers to C. Only the last one is new. How much of the model is that?

# %%
pretrained = load_pretrained(files.checkpoint_dir("course-bert"))
classifier = finetuning.classifier_from(pretrained, num_labels=2, seed=0)
total, new = (
    sum(weight.numel() for weight in part.parameters())
    for part in (classifier, classifier.classifier)
)
print(f"{total:,} parameters, {new} of them new: one in {total // new:,}")

# %% [markdown]
# So fine-tuning does not build a classifier out of nothing. It turns a few hundred new numbers in the right direction and nudges millions of old ones. And the control of the whole lesson is now easy to name: a **random twin**, of the same architecture, tuned in the same way, whose millions of old numbers are random. Whatever it can do as well was not bought by pretraining.
#
# Must the last layer begin at random? A pretrained model can name words, and we can name our classes: *bad, terrible, awful* … and *good, great, excellent* … So let the row of each class begin as the mean of the decoder's rows for its words. Then the classifier asks "which of these words would fit this sentence?" and can answer before it has seen a single label. The idea is that of Schick and Schütze (2021, section 3), without their cloze sentence. **Predict** the accuracy without any label: of `course-bert`, and of the random twin with the same words.

# %% tags=["nbval-ignore-output"]
WORDS = (
    ["bad", "terrible", "awful", "worst", "boring", "poor", "horrible", "waste"],
    ["good", "great", "excellent", "wonderful", "best", "fun", "perfect", "amazing"],
)
words = [tokenizer.convert_tokens_to_ids(names) for names in WORDS]
machine.seed_everything(0)
twin = MaskedLanguageModel(pretrained.config)
unlabelled = {}
for name, start in (("course-bert", pretrained), ("twin", twin)):
    named = finetuning.classifier_from(start, 2, words=words)
    chances = finetuning.predict(named, tokenizer, validation[0])[:, 1]
    middle = finetuning.predict(named, tokenizer, train[0][:300])[:, 1].median()
    unlabelled[name] = tasks.accuracy(validation[1], (chances > middle).int())
    print(f"{name:<12} {unlabelled[name]:.1%} without a label")

# %%
print("course-bert is clearly better than chance:", unlabelled["course-bert"] > 0.53)
print("the twin is not:", abs(unlabelled["twin"] - 0.5) < 0.06)

# %% [markdown]
# Whatever stands above chance in the first line is knowledge that came from plain text: the twin has the same words and no idea what they mean. From here on `course-bert` begins with named classes. That is a help which TF-IDF does not get, so section 8.6 also shows what it does without.
#
# Before any training we look at how the result is going to be judged. The function in the next exercise gave plausible numbers for weeks.

# %% [markdown]
# **Exercise 08.5 · A judge with two blind eyes** (★★★, 6 min)
#
# *Given:* an evaluation that runs and gives plausible numbers; two things are missing from it


# %%
def accuracy_on(
    model: nn.Module, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
) -> float:
    """Share of texts that the model labels rightly; the model is left in the mode it came in."""
    logits = model(input_ids).detach()
    return (logits.argmax(-1) == labels).float().mean().item()


check("08.5", accuracy_on)

# %% [markdown]
# ## 8.3 The one number that ruins everything
#
# Of all settings there is one that can throw the whole pretraining away within ten steps. We fine-tune on the same 128 sentences at three learning rates, each a hundred times the one before. **Predict** which of the three has the lowest loss in the end, and what the largest one does.

# %% tags=["nbval-ignore-output"]
few = finetuning.few_labels(train[1], 128, seed=0)
few_texts, few_truth = [train[0][i] for i in few], [train[1][i] for i in few]
rates, curves = (1e-5, 1e-3, 1e-1), {}
for rate in rates:
    tuned = finetuning.classifier_from(pretrained, 2, seed=0)
    config = finetuning.FinetuneConfig(epochs=8, lr=rate)
    history = finetuning.finetune(tuned, tokenizer, few_texts, few_truth, config, progress=False)
    curves[rate] = np.array([step["loss"] for step in history.steps]).reshape(8, -1).mean(1)
    said = finetuning.predict(tuned, tokenizer, validation[0][:200]).argmax(1)
    most = said.bincount(minlength=2).max().item() / 200
    print(f"lr {rate:.0e}: last loss {curves[rate][-1]:.2f}, says one class for {most:.0%}")

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for rate, colour, marker in zip(rates, plots.COLOURS, "sov"):
    name = f"learning rate {rate:.0e}"
    ax.plot(range(1, 9), curves[rate], marker=marker, color=colour, label=name)
ax.axhline(math.log(2), color="black", linestyle=":", label="blind guess, ln 2")
ax.set(xlabel="epoch over 128 sentences", ylabel="training loss in nats", ylim=(0, None))
ax.legend(loc="lower left")
plots.show(
    fig,
    "Figure 8.1. Training loss of the same model on the same 128 sentences at three learning "
    "rates. The smallest has hardly begun, the middle one learns, the largest stays at the "
    "loss of a blind guess.",
)

# %% [markdown]
# **Exercise 08.6 · Three curves, three illnesses** (★★, 3 min)
#
# *Given:* Figure 8.1: the loss of fine-tuning at three learning rates
#
# Which statement fits the *largest* learning rate?
#
# - **a** it learns faster than the others, and it only needs to be stopped earlier
# - **b** its loss settles near ln 2 = 0.69: it says the same for every sentence
# - **c** its loss goes to zero: it has learned the training sentences by heart
# - **d** its loss is not a number: the training has overflowed

# %%
check("08.6", ...)

# %%
slow, learned, lost = (curves[rate][-1] for rate in rates)
print("the middle rate has the lowest loss:", learned < slow and learned < lost)
print("the largest is no better than a blind guess:", lost > 0.6)

# %% [markdown]
# It is a quiet death. Nothing overflows, since gradients are clipped; no error, no warning, an accuracy of about one half. Reports of "fine-tuning collapses to one class" fill the forums (in `transformers` alone #753 and #1267), and the learning rate is the first suspect.
#
# **What would have fooled us.** The lowest *training* loss is not what we want, either: it may be learning by heart. Which rate generalises has to be asked on sentences that were not trained on, and not on the test sentences. The reference run of section 8.6 did it in this way, on the validation part, with two seeds that are used for nothing else; it is a file that anybody can read:

# %%
reference = pd.read_json(files.data_dir() / "reference" / "lesson_08.jsonl", lines=True)
choosing = reference[reference.on == "validation"]
table = choosing.pivot_table(index=["model", "way", "labels"], columns="lr", values="accuracy")
print((100 * table).round(1).to_string(na_rep=""))

# %% [markdown]
# ## 8.4 How much of the model should learn?
#
# One can leave the encoder as it is and teach the last layer alone. That is cheap: every sentence goes through the encoder once, its mean vector is kept, and what remains is a logistic regression of a second. This is called a **linear probe**, and it asks a clean question: what is in the vectors *already*? With few labels there is one more argument for it. A model that changes millions of numbers after eight sentences may do more harm than good.
#
# The reference run did both, on the same draws of labels, five seeds each. **Predict**: with how many labels does full fine-tuning win?


# %%
def runs_of(model, way, labels):
    """The five runs on the test part, from the reference run; `labels` None means all there are."""
    rows = reference.query("on == 'test' and model == @model and way == @way")
    rows = rows[rows.labels.isna() if labels is None else rows.labels == labels]
    return rows.sort_values("seed")


def scores(model, way, labels):
    """The test accuracies of five seeds, from the reference run; `labels` None means all."""
    return runs_of(model, way, labels).accuracy.to_numpy()


print("labels          frozen, probed   all of it tuned")
for model, way in (("course-bert", "named"), ("twin", "tuned")):
    for count in (8, 100, 1000, None):
        frozen, moved = scores(model, "probed", count).mean(), scores(model, way, count).mean()
        print(f"{model:<12}{count or len(train[0]):>5} {frozen:14.1%} {moved:16.1%}")

# %% [markdown]
# Compare first down the columns: what the frozen `course-bert` has over its frozen twin was in the vectors before any label came. Then along a row: what moving the whole model adds to that.
#
# **What would have fooled us.** The loss of pretraining. With too high a learning rate and too little weight decay the weights inside the layers grow, until what they write drowns the token's own vector. Such a model may guess hidden words well, and be useless to read from. A low loss is a reason to hope and no proof. The probe tells within a minute, and section 8.7 puts the two side by side.

# %% [markdown]
# **Exercise 08.7 · The freeze that freezes nothing** (★★★, 4 min)
#
# *Given:* a function that should freeze the encoder; no error, no warning, and all of it learns


# %%
def freeze_encoder(model: nn.Module) -> list[nn.Parameter]:
    """Freeze `model.encoder` in place; return the parameters that still learn, for an optimizer."""
    model.encoder.requires_grad = False
    return [weight for weight in model.parameters() if weight.requires_grad]


check("08.7", freeze_encoder)

# %% [markdown]
# ## 8.5 Few labels, drawn fairly
#
# What is a model worth with 100 labels? To answer we have to *pretend* to have only 100, and a pretence can go wrong in three ways.
#
# **The draw.** Eight labels drawn blindly are often six against two. So we draw as many of each class, and each seed draws anew.

# %% [markdown]
# **Exercise 08.8 · A fair handful** (★★★, 8 min)
#
# *Given:* the labels of all texts, how many texts we may look at, and a seed


# %%
def few_labels(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Draw `count` texts, as many of each class: their places in `labels`, a list of int.

    labels are whole numbers; `count` is a multiple of the number of classes, and every class has
    enough texts.  No text is drawn twice.  One seed always gives one draw, another seed another,
    and the global random numbers are left alone.
    """
    raise NotImplementedError


check("08.8", few_labels)

# %% [markdown]
# **The pairing.** Some hundred sentences are luckier than others. If the twin has the lucky ones, we compare luck. So seed 0 means the *same* sentences for every model, seed 1 the same others, and we compare pair by pair.
#
# **The leak.** `course-bert` was pretrained on the text of film reviews, and the very sentences that we fine-tune on were among them, without their labels. That is allowed, it is what pretraining is for, and we say so. What must not have been among them is a test sentence: then the model would be asked about something that it has read. We check it, to the letter.

# %%
read = set(corpora.load("film_reviews")["train"]["text"])
overlap = {
    "train": len(read & set(train[0])) / len(train[0]),
    "validation": len(read & set(validation[0])),
    "test": len(read & set(test[0])),
}
print(f"of the training sentences, {overlap['train']:.0%} stand in the pretraining text;")
print(f"of validation and test: {overlap['validation']} and {overlap['test']}")
assert overlap["validation"] == overlap["test"] == 0 and not set(train[0]) & set(test[0])

# %% [markdown]
# ## 8.6 Labels saved
#
# Now the experiment of the title. Four contestants, each on the same draws:
#
# - **course-bert**, pretrained on film reviews for about an hour;
# - its **random twin**, tuned in the same way, at the learning rate that suits *it* best;
# - **TF-IDF and logistic regression**, which count words and pairs of words and know nothing about any word before the first label. Its one setting was chosen on the validation part too, since a baseline that nobody has tuned proves nothing when it loses;
# - **MiniLM**, a small model that others have pretrained on more text than we could read in many lives.
#
# A part of it we run here, live: 100 labels, two seeds, and the first two contestants.


# %% tags=["nbval-ignore-output"]
def tune_and_test(start, count, seed, rate, words=None, tokenizer=tokenizer):
    """Accuracy on the test part after fine-tuning `start` on one draw of `count` labels."""
    rows = finetuning.few_labels(train[1], count, seed)
    model = finetuning.classifier_from(start, 2, seed=seed, words=words)
    config = finetuning.FinetuneConfig.for_labels(count, lr=rate, seed=seed)
    texts, labels = [train[0][i] for i in rows], [train[1][i] for i in rows]
    finetuning.finetune(model, tokenizer, texts, labels, config)
    return tasks.accuracy(test[1], finetuning.predict(model, tokenizer, test[0]).argmax(1))


live = {"course-bert": [], "twin": []}
for seed in (0, 1):
    machine.seed_everything(seed)
    twin = MaskedLanguageModel(pretrained.config)
    for name, start, way, names in (
        ("course-bert", pretrained, "named", words), ("twin", twin, "tuned", None),
    ):  # fmt: skip
        rate = runs_of(name, way, 100).lr.iloc[0]  # as it was chosen on the validation part
        live[name].append(tune_and_test(start, 100, seed, rate, names))
        print(f"seed {seed}, {name}: {live[name][-1]:.1%}")

# %%
for name, found in live.items():
    expected = scores(name, "named" if name == "course-bert" else "tuned", 100)
    reach = max(0.05, 4 * expected.std(ddof=1))
    inside = abs(np.mean(found) - expected.mean()) < reach
    print(f"{name:<12} lies within the band of the reference run: {inside}")
    assert inside
results.record(live_accuracy_100_labels=float(np.mean(live["course-bert"])))

# %% [markdown]
# Two numbers for each: what may we conclude? Not much, and it can be said exactly how much. Five runs have a mean and a spread, and the mean of five is itself uncertain by s/√5. With five runs the spread is uncertain, too, which is why the factor is not 1.96 but 2.78: that is Student's t (1908), who had to judge barley from a handful of fields.
#
# $$\bar x \pm t_{0.975,\,R-1}\, \frac{s}{\sqrt R}$$
#
# By hand: five accuracies 70, 72, 71, 69 and 73 % have the mean 71 and the spread s = √2.5 = 1.58, so the interval is 71 ± 2.78 · 1.58/√5 = 71 ± **2.0**.

# %% [markdown]
# **Exercise 08.9 · Five seeds, one interval** (★★★, 8 min)
#
# *Given:* the accuracies of a few runs that differ in nothing but their seed; `np` and `stats` (scipy.stats)


# %%
def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of `values`, one for each seed, and the interval around it: (mean, low, high).

    With R values the standard error is s/√R, where s is the standard deviation as it is estimated
    from a sample; `stats.t.ppf(share, df)` of SciPy gives the quantiles of Student's distribution.
    A confidence of 0.95 leaves 2.5 % out on each side.
    """
    raise NotImplementedError


check("08.9", mean_interval)

# %% [markdown]
# The whole grid takes about half an hour of two cores and is a *reference run*: `python data/reference/lesson_08.py`, five seeds, all settings, one line for each run in a file beside it. Before we draw it, a last **prediction**.

# %% [markdown]
# **Exercise 08.10 · The price of a label** (★, 1 min)
#
# *Given:* our pretrained model with 100 labels, and a TF-IDF classifier that may have more
#
# How many labels does TF-IDF need to reach what the pretrained model reaches with 100?
#
# - **a** about 100, too
# - **b** several hundred or more
# - **c** no number is enough

# %%
guess("08.10", ...)

# %%
counts = [8, 32, 100, 256, 1000, 4096, len(train[0])]
contestants = {
    "course-bert": ("course-bert", "named", "-", "o"), "random twin": ("twin", "tuned", "--", "s"),
    "TF-IDF": ("tfidf", "counted", "-.", "^"), "MiniLM, frozen": ("minilm", "probed", ":", "D"),
}  # fmt: skip


def curve(model, way):
    """Mean and Student's interval (low, high) of the accuracy, for every number of labels."""
    points = []
    for count in counts[:-1] + [None]:
        found = scores(model, way, count)
        steady = len(set(found)) == 1  # all labels and no dice: every seed gives the same
        points.append((found[0],) * 3 if steady else tasks.mean_interval(found))
    return np.array(points)


fig, ax = plt.subplots(figsize=(7, 4.4))
for (name, (model, way, line, marker)), colour in zip(contestants.items(), plots.COLOURS):
    mean, low, high = 100 * curve(model, way).T
    ax.plot(counts, mean, line, marker=marker, color=colour, label=name)
    ax.fill_between(counts, low, high, color=colour, alpha=0.18, linewidth=0)
ax.axhline(100 * negative / len(test[1]), color="black", linewidth=0.8)
ax.text(1000, 100 * negative / len(test[1]) - 0.4, "always the same class", va="top", fontsize=8)
ax.set(xscale="log", xlabel="labelled sentences", ylabel="accuracy on 782 test sentences, %")
ax.set_xticks(counts, [f"{count:,}" for count in counts[:-1]] + ["\nall 7,011"])
ax.set_ylim(bottom=46)
ax.minorticks_off()
ax.legend(loc="upper left")
plots.show(
    fig,
    "Figure 8.2. Labels saved: test accuracy against the number of labelled sentences, mean "
    "of five seeds and Student's 95 % interval, from the reference run. MiniLM is frozen "
    "here, with a logistic regression on its vectors.",
)

# %%
check("08.10")

# %%
print("labels   course-bert               TF-IDF                  difference, pair by pair")
for count in (100, 1000, None):
    ours, theirs_ = scores("course-bert", "named", count), scores("tfidf", "counted", count)
    difference = tasks.paired_difference(ours, theirs_)
    baseline = f"{theirs_.mean():.3f}" if count is None else tasks.mean_interval(theirs_)
    own = tasks.mean_interval(ours)
    print(f"{count or len(train[0]):>6}   {own}   {baseline!s:<21}   {difference}")
    results.record(**{f"gain_over_tfidf_{count or 'all'}": difference.mean})

# %% [markdown]
# The last column is the one to read. It compares pair by pair, on the same labels, and where its interval lies above zero the lead does not hang on the luck of the draw. The first two intervals answer another question, how well each of them does; they may overlap although one is always ahead. With all labels TF-IDF has no interval: there is nothing to draw and no dice in it.
#
# And the names of the classes: how much of the lead do they bring? The same model, tuned with a last layer that begins at random:

# %%
for count in (8, 100):
    with_names, without = (scores("course-bert", way, count) for way in ("named", "tuned"))
    words_only = scores("tfidf", "counted", count).mean()
    print(f"{count:>4} labels: named {with_names.mean():.1%}, unnamed {without.mean():.1%}, "
          f"TF-IDF {words_only:.1%}")  # fmt: skip

# %% [markdown]
# **What would have fooled us.** Seeds are only one of two doubts. All five were judged on the same 782 sentences, and another 782 would have given other numbers. How large is that doubt? The reference run has kept, for every run, *which* sentences were right; so we can draw 782 sentences from these, with replacement, and again, two thousand times (the bootstrap, Efron 1979), always the same draw for both models.


# %%
def right(model, way, labels):
    """Which test sentences were right, (seeds, 782) of 0 and 1."""
    packed = runs_of(model, way, labels).right
    numbers = (np.frombuffer(bytes.fromhex(one), np.uint8) for one in packed)
    return np.array([np.unpackbits(number)[:782] for number in numbers])


dice = np.random.default_rng(0)
drawn = dice.integers(0, 782, (2000, 782))
for count in (100, 1000, None):
    gain = right("course-bert", "named", count).mean(0) - right("tfidf", "counted", count).mean(0)
    low, high = np.quantile(gain[drawn].mean(1), (0.025, 0.975))
    name = f"{count or len(train[0]):>5} labels"
    print(f"{name}: gain {gain.mean():+.1%}, from {low:+.1%} to {high:+.1%} over sentences")

# %% [markdown]
# The intervals are wider than those over seeds, and they say something else. Seeds ask: would *another draw of labels* have told the same? Sentences ask: would *another test* have? A lead that is to be believed has to survive both questions.

# %% [markdown]
# ## 8.7 What pretraining time buys
#
# A model is not simply "pretrained", as little as a person is simply "trained". The long run left two snapshots on its way, so we can ask what each minute was worth. Zero minutes is the random twin. The far point is MiniLM, whose minutes nobody has told us. All were fine-tuned on the same 1,000 labels.

# %%
log = json.loads((files.checkpoint_dir("course-bert") / "log.json").read_text("utf-8"))
steps, unigram = log["recipe"]["train"]["steps"], log["ladder"]["unigram"]
loss_at = {entry["step"]: entry["loss"] for entry in log["evaluations"]}
stages = {f"course-bert-step-{step}": step for step in log["recipe"]["snapshots"]}
stages["course-bert"] = steps
bought = {"twin": (0.0, tasks.mean_interval(scores("twin", "tuned", 1000)))}
print("                      minutes   nats below unigram   accuracy with 1,000 labels")
for name, step in stages.items():
    minutes = log["seconds"] / 60 * step / steps
    bought[name] = (minutes, tasks.mean_interval(scores(name, "named", 1000)))
    print(f"{name:<20} {minutes:8.0f} {unigram - loss_at[step]:20.2f}   {bought[name][1]}")
print(f"{'MiniLM':<20} {'?':>8} {'':>20}   {tasks.mean_interval(scores('minilm', 'tuned', 1000))}")

# %%
fig, ax = plt.subplots(figsize=(7, 4))
minutes = np.array([m for m, _ in bought.values()])
mean, low, high = 100 * np.array([tuple(interval) for _, interval in bought.values()]).T
ax.errorbar(minutes, mean, [mean - low, high - mean], fmt="o-", capsize=3, color=plots.COLOURS[0])
titles = ("random twin", "first snapshot", "second snapshot", "course-bert")
for title, x, y, side in zip(titles, minutes, low, ("left", "left", "left", "center")):
    ax.annotate(title, (x, y), (0, -13), textcoords="offset points", ha=side, fontsize=9)
far, sure = 1.2 * minutes[-1], 100 * np.array(tasks.mean_interval(scores("minilm", "tuned", 1000)))
spread = [[sure[0] - sure[1]], [sure[2] - sure[0]]]
ax.errorbar([far], sure[:1], spread, fmt="D", capsize=3, color=plots.COLOURS[3])
ax.annotate("MiniLM, minutes unknown", (far, sure[1]), (0, -13),
            textcoords="offset points", ha="right", fontsize=9)  # fmt: skip
line = 100 * scores("tfidf", "counted", 1000).mean()
ax.axhline(line, color=plots.COLOURS[2], linestyle="-.", label="TF-IDF + logistic regression")
ax.legend(loc="upper left")
ax.margins(y=0.15)
ax.set(xlabel="minutes of pretraining on two cores", ylabel="accuracy with 1,000 labels, %")
plots.show(
    fig,
    "Figure 8.3. What pretraining time buys: test accuracy with 1,000 labels against minutes "
    "of pretraining, mean of five seeds with Student's 95 % interval, from the reference run; "
    "the line is TF-IDF with logistic regression.",
)

# %% [markdown]
# Put the two middle columns next to each other: nats won in pretraining and points won in classification. They need not go together. The first nats are grammar, which words stand beside which, and grammar does not say whether a critic was pleased. So compare each point with the two things that cost no minute at all, the twin and the line of TF-IDF, before you call it a gain.
#
# And your own model of lesson 07? If you have run that lesson, it lies in `build`, and the next cell tunes it in the same way. Otherwise it says so and goes on.

# %% tags=["nbval-ignore-output"]
own = files.build_dir() / "checkpoints" / "lesson-07"
if (own / "config.json").is_file():
    pieces = load_tokenizer(own)
    named = [pieces.convert_tokens_to_ids(names) for names in WORDS]
    found = tune_and_test(load_pretrained(own), 1000, 0, 1e-3, named, pieces)
    print(f"your own model of lesson 07: {found:.1%} with 1,000 labels, one seed")
else:
    print("your own model is not here yet: lesson 07 leaves it in build/checkpoints/lesson-07")

# %% [markdown]
# ## 8.8 Choosing a model before paying for it
#
# A hub offers many thousands of checkpoints, and fine-tuning all of them is no plan. Is there a cheap look that tells us which one to take? The linear probe of section 8.4 is one: a single pass over a few hundred labelled sentences, and a logistic regression. There are cleverer scores (LogME: You et al. 2021), but the probe is the one that everybody can explain. We rank our five candidates, here and now, by cross-validation on 1,000 *training* sentences, so that the test part is not touched. **Predict** the order.

# %% tags=["nbval-ignore-output"]
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = finetuning.few_labels(train[1], 1000, seed=0)
known, truth = [train[0][i] for i in rows], [train[1][i] for i in rows]
probes, took = {}, {}
for name in ("twin", *stages, "minilm"):
    begin = time.perf_counter()
    folder = corpora.minilm_folder() if name == "minilm" else files.checkpoint_dir(
        "course-bert" if name == "twin" else name
    )  # fmt: skip
    encoder = twin.encoder if name == "twin" else load_pretrained(folder, task="encoder")
    vectors = finetuning.features(encoder, load_tokenizer(folder), known)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    probes[name] = cross_val_score(probe, vectors.numpy(), truth, cv=5).mean()
    took[name] = time.perf_counter() - begin
    print(f"{name:<20} {probes[name]:.1%} in {took[name]:.0f} s")

# %%
way = {"twin": "tuned", "minilm": "tuned"}
paid = {name: scores(name, way.get(name, "named"), 1000).mean() for name in probes}
agreement = stats.spearmanr(list(probes.values()), list(paid.values())).statistic
best = max(probes, key=probes.get)
print("the probe and the fine-tuning agree on the best candidate:", best == max(paid, key=paid.get))
print("rank correlation above one half:", agreement > 0.5)
results.record(probe_rank_correlation=float(agreement))

# %%
fig, ax = plt.subplots(figsize=(6, 4))
for (name, x), marker, colour in zip(probes.items(), "sv^oD", plots.COLOURS):
    ax.plot(100 * x, 100 * paid[name], marker, color=colour, markersize=8, label=name)
ax.set(xlabel="linear probe, cross-validated on 1,000 labels, %")
ax.set(ylabel="fine-tuned with 1,000 labels, test, %")
ax.legend(loc="lower right")
plots.show(
    fig,
    "Figure 8.4. The cheap look against the bill: accuracy of a linear probe on frozen "
    "vectors (measured here) and accuracy after fine-tuning (reference run), for five "
    "starting points.",
)

# %% [markdown]
# The probe costs one pass without gradients; every epoch of fine-tuning costs about three such passes, for each seed and each learning rate that one tries. As a filter it is hard to beat. As a judge it is not fair: it sees only what lies open in the last layer, and a model that is fine after tuning may hide its knowledge from it. So let the probe throw out, and let fine-tuning choose among the best two or three. And always put a random model into the list. A probe that cannot tell it from the others has told you something, too.

# %% [markdown]
# ## 8.9 What would have fooled us
#
# **One seed.** Suppose that each contestant had been run once, with 32 labels, each on a draw of its own. How often would the wrong one have won? We have five runs of each, so we can try all 25 meetings.

# %%
for count in (32, 100, 1000):
    ours, words_only = scores("course-bert", "named", count), scores("tfidf", "counted", count)
    upsets = (words_only[:, None] >= ours[None, :]).mean()
    print(f"{count:>5} labels: TF-IDF wins or draws {upsets:.0%} of the single meetings")

# %% [markdown]
# That is the risk of a single meeting, and most tables of the world are made of single meetings. Where it is small, the gap is wider than the luck; where it is not, only the pairing and the five seeds can tell.
#
# **A test that chooses.** Ten equally good models, each right with probability 0.7, are tested on 782 sentences, and we report the best one. How good does it look?

# %%
dice = np.random.default_rng(0)
tests = dice.binomial(782, 0.7, (10_000, 10)) / 782
print(f"one of them: {tests[:, 0].mean():.1%}   the best of ten: {tests.max(1).mean():.1%}")

# %% [markdown]
# Two and a half points from nothing, as much as many a paper reports. Choosing the best *epoch* by the test part is the same mistake in a smaller coat.

# %% [markdown]
# **Exercise 08.11 · The test that was peeked at** (★★★, 4 min)
#
# *Given:* a line that reports the test accuracy of the best epoch; among equally good epochs, the first is to be kept


# %%
def reported_accuracy(validation: list[float], test: list[float]) -> float:
    """The test accuracy to report, from the accuracies on both parts after every epoch."""
    return max(test)


check("08.11", reported_accuracy)

# %% [markdown]
# **A table from somewhere else.** On the net you find that some model reaches 88 % on Rotten Tomatoes. That was another split, other sentences, often a model that has read the web, in which these very reviews stand. Our numbers can be compared with each other and with nothing else.
#
# **Accuracy itself.** Our classes are equally large, so a collapsed model gives itself away at 52 %. With 98 negatives to 2 positives, it would shine. The mean of the F1 of all classes is not so easily impressed:

# %% [markdown]
# **Exercise 08.12 · The score that a collapsed model cannot fake** (★★, 7 min)
#
# *Given:* true labels and guesses, whole numbers


# %%
def macro_f1(truth: Tensor, guesses: Tensor) -> float:
    """The mean of every class's F1; both are int64 (N,).

    F1 = 2·hits / (how often the class is there + how often it is guessed).  Average over the
    classes that stand in `truth` or in `guesses`.
    """
    raise NotImplementedError


check("08.12", macro_f1)

# %%
collapsed = [0] * len(test[1])
print(f"collapsed: accuracy {tasks.accuracy(test[1], collapsed):.2f}")
print(f"collapsed: macro F1 {tasks.macro_f1(test[1], collapsed):.2f}")

# %% [markdown]
# ## 8.10 All of it, by your own hand
#
# Everything in this lesson went through one short loop. If you have half an hour, write it. Afterwards you will never again copy five lines without counting them.

# %% [markdown]
# **Exercise 08.13 · Fine-tuning, whole** (★★★★★, 25 min)
#
# *Given:* a model, its batches, and `schedule(step, total, warmup)` from `training.optim`: a factor that rises over `warmup` steps and then falls to zero


# %%
def fine_tune(
    model: nn.Module, batches: list[tuple[Tensor, Tensor]], epochs: int, lr: float, warmup: int
) -> list[float]:
    """Fine-tune `model` in place; return the mean loss of a text in each epoch, as floats.

    `batches` is a list of (inputs, labels), gone through `epochs` times in this order; the last
    one may be short.  The loss of a batch is its mean cross-entropy.  Clip the gradient's norm to
    1, and use torch.optim.AdamW with weight_decay=0.1.  The learning rate of step 0, 1, 2 … is
    `lr` times `schedule(step, total, warmup)`.  Train in training mode; leave in evaluation mode.
    """
    raise NotImplementedError


check("08.13", fine_tune)

# %% [markdown]
# ## Recap
#
# - Fine-tuning turns a few hundred new numbers and nudges millions of old ones; what it owes to the old ones is measured against a random twin that is tuned in the same way.
# - The learning rate decides. Too large, and the model says one class for ever, at a loss of ln 2, without an error.
# - What pretraining saves is counted in labels, on the same draws, with five seeds. A tuned bag of words is the line to beat, and it is not a low one.
# - Nats of pretraining are not points of classification: draw the curve, and draw the twin and TF-IDF with it.
# - A linear probe ranks candidates for the price of one pass.
# - A mean without an interval, a baseline without tuning, a test that has chosen: each of them makes a result out of nothing.
#
# ## Five quick questions
#
# <details><summary>1. A fine-tuned model has 52 % on our test part. What do you look at first?</summary>
#
# At how often it says each class. 404 of 782 is 52 %: it has collapsed, and the learning rate is the first suspect.
# </details>
#
# <details><summary>2. Why has the random twin a learning rate of its own?</summary>
#
# Because a control that was tuned worse than the contestant measures the tuning and not the pretraining.
# </details>
#
# <details><summary>3. course-bert has read the training sentences before. Is that a leak?</summary>
#
# No: it has read their text and not their labels, and nobody asks it about them. It would be one if a test sentence had been among them, and a cell asserts that none was.
# </details>
#
# <details><summary>4. Two models have overlapping intervals over seeds. Are they equally good?</summary>
#
# Not necessarily. They saw the same draws, so look at the differences, pair by pair: what the draw does to both cancels there.
# </details>
#
# <details><summary>5. You may fine-tune one of a hundred checkpoints. How do you choose?</summary>
#
# By a linear probe, cross-validated on the labels that you have, with a random model and TF-IDF in the list. Then fine-tune the best two or three, and ask the test part once.
# </details>
#
# ## Further reading
#
# - Devlin et al. (2018), *BERT*, section 4 and appendix A.3: the original recipe.
# - Howard and Ruder (2018), *Universal Language Model Fine-tuning*: labels saved, before BERT.
# - Mosbach, Andriushchenko and Klakow (2021), *On the Stability of Fine-tuning BERT*; Dodge et al. (2020), *Fine-Tuning Pretrained Language Models*: what seeds do.
# - Schick and Schütze (2021), *Exploiting Cloze Questions for Few Shot Text Classification*: classes that are named by words.
# - Kumar et al. (2022), *Fine-Tuning can Distort Pretrained Features*: when the frozen probe is the better model.
# - You et al. (2021), *LogME*: ranking pretrained models without fine-tuning them.
#
# **Before:** [07 · Pretraining](07_pretraining.ipynb). **Next:** [09 · Evaluation](09_evaluation.ipynb), where accuracy lies in earnest.

# %% tags=["nbval-ignore-output"]
import psutil

memory = psutil.Process().memory_info().rss / 1e6
taken = time.perf_counter() - started
print(f"predicted 140 s and 2000 MB; measured {taken:.0f} s and {memory:.0f} MB")

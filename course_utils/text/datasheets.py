"""The counts of the datasheets in `data/README.md`, from the tables themselves.

python -m course_utils.text.datasheets
"""

from collections import Counter

from datasets import Dataset

from course_utils.text import bias_probes, corpora, fetching, parallel, reading

TEXT = {"boolq": "passage", "tatoeba": "en", "disfl_qa": "passage", "quac": "passage"}
# whose words are counted; elsewhere it is "text", and in tweets the words themselves
DECISION = {"boolq": "answer"}  # and elsewhere "label"


def counts(name: str) -> str:
    """The table of a corpus in Markdown: rows, words and shares of the labels in each split.

    A word is what stands between spaces. "as delivered" is the package before we clean it.
    Raises as `corpora.load` does.
    """
    table = corpora.load(name)
    lines = ["| part | rows | words | longest | labels |", "|---|---|---|---|---|"]
    if name != "film_reviews":  # which is made of others
        lines.append(f"| as delivered | {_delivered(name):,} | | | |")
    for split, rows in table.items():
        if name == "tweets":
            lengths = [len(words) for words in rows["words"]]
        else:
            lengths = [len(text.split()) for text in rows[TEXT.get(name, "text")]]
        words = f"{sum(lengths):,} | {max(lengths):,}"
        lines.append(f"| {split} | {len(rows):,} | {words} | {_labels(name, rows)} |")
    return "\n".join(lines)


def _delivered(name: str) -> int:
    entry = fetching.sources()["corpora"][name]
    if name in reading.NAMES:
        return len(reading.delivered(name))
    if name == parallel.NAME:
        return len(fetching.read_member(entry["package"], entry["member"]).splitlines())
    if name in bias_probes.NAMES:
        return bias_probes.count_delivered(name)
    return len(corpora.package_rows(name, entry))


def _labels(name: str, rows: Dataset) -> str:
    if name == "tweets":
        return f"{sum(tag.startswith('B') for tags in rows['tags'] for tag in tags):,} names"
    if name in reading.NAMES:
        return f"{rows['start'].count(-1) / len(rows):.1%} without an answer"
    column = DECISION.get(name, "label")
    if column not in rows.column_names:
        return "–"
    found = sorted(Counter(rows[column]).items())
    names = ("no", "yes") if name == "boolq" else rows.features[column].names
    return ", ".join(f"{names[label]} {count / len(rows):.1%}" for label, count in found)


if __name__ == "__main__":
    for each in (*corpora.NAMES, parallel.NAME, *reading.NAMES, *bias_probes.NAMES):
        print(f"{each}\n\n{counts(each)}\n")

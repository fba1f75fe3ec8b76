"""The raw log of every run: one JSON file each, written whole, never computed twice."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.settings import Settings
from course_utils.files import atomic_write, repo_root

# What a run's outcome rests on; their hash is written into its log.
SOURCES = (
    "course_utils/model", "course_utils/training", "course_utils/text/masking.py",
    "course_utils/text/word_vectors.py", "benchmarks/models.py", "benchmarks/timed.py",
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """One run: who, in which shape, from which seed, for how many steps.

    shape: the fields of a `shapes.Shape`. points: losses on the way, for a picture. attempt: counts
    the runs that were thrown away because the machine drifted. peak: size and seconds of the
    matrix products that are timed before and after.
    """

    settings: Settings
    shape: dict
    seed: int
    steps: int
    frozen_sha256: str
    points: int = 0
    attempt: int = 0
    peak: tuple[int, float] = field(default=(2048, 1.0))

    def to_dict(self) -> dict:
        """Plain values, ready for JSON; `from_dict` is the inverse."""
        return {**asdict(self), "settings": self.settings.to_dict()}

    @classmethod
    def from_dict(cls, values: dict) -> Spec:
        """A run from its plain values."""
        parts = {"settings": Settings(**values["settings"]), "peak": tuple(values["peak"])}
        return cls(**{**values, **parts})

    @property
    def key(self) -> str:
        """A file name that a person can read, ending in a hash of every field."""
        one = self.settings
        return (
            f"{self.shape['name']}-{one.name}-lr{one.lr:g}-b{one.batch_size}-n{self.steps}"
            f"-seed{self.seed}-{short_hash(self.to_dict())}"
        ).replace(" ", "_")


class Store:
    """A folder of run logs.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(Path(folder))
    ...     spec = Spec(Settings("b1", "bert"), {"name": "S1"}, seed=1, steps=2, frozen_sha256="0")
    ...     before = store.load(spec)
    ...     _ = store.save(spec, {"loss": 5.0})
    ...     before, store.load(spec)["loss"]
    (None, 5.0)
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def path(self, spec: Spec) -> Path:
        """Where a run's log lies or will lie."""
        return self.folder / f"{spec.key}.json"

    def load(self, spec: Spec) -> dict | None:
        """The log of a finished run, or None.

        Raises:
            ValueError: the file is not the log of this run.
        """
        path = self.path(spec)
        if not path.is_file():
            return None
        try:
            log = json.loads(path.read_text(encoding="utf-8"))
            same = type(spec).from_dict(log["spec"]) == spec
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise ValueError(f"{path.name} is not the log of the run it is named after: delete it.")
        return log

    def save(self, spec: Spec, result: dict) -> dict:
        """Write a finished run and return its log: the result with the run's description."""
        text = json.dumps({"spec": spec.to_dict(), **result}, indent=1, sort_keys=True)
        atomic_write(self.path(spec), text + "\n")
        return json.loads(text)  # what a later command will read


def short_hash(values: dict) -> str:
    """Ten digits that change with any of the values."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def code_hash(root: Path | None = None) -> str:
    """Twelve digits that change with the code that a run's outcome rests on."""
    root = root or repo_root()
    digest = hashlib.sha256()
    for name in SOURCES:
        place = root / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def versions() -> dict[str, str]:
    """The libraries that decide how fast and how well a model trains."""
    names = ("torch", "transformers", "tokenizers", "numpy", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}

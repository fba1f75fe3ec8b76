"""Take each lesson's one picture out of its notebook, for the README.

    python docs/pictures.py

The cell that draws it carries the tag "picture". Writes `docs/pictures/NN.png`.
"""

import base64
import json
from pathlib import Path

from course_utils import lessons
from course_utils.files import atomic_write


def picture(notebook: dict) -> bytes | None:
    """The first PNG of the first cell with the tag "picture".

    >>> cell = {"metadata": {"tags": ["picture"]}, "outputs": [{"data": {"image/png": "aGk="}}]}
    >>> picture({"cells": [cell]})
    b'hi'
    """
    for cell in notebook["cells"]:
        if "picture" in cell["metadata"].get("tags", []):
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output["data"]["image/png"])
    return None


if __name__ == "__main__":
    for path in lessons.find():
        found = picture(json.loads(path.read_text(encoding="utf-8")))
        if found is None:
            raise SystemExit(f"{path.name} has no figure in a cell with the tag 'picture'.")
        atomic_write(Path(__file__).parent / "pictures" / f"{path.stem[:2]}.png", found)

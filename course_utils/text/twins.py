"""The twins on the Hugging Face Hub: the same rows and weights for people who are online."""

from pathlib import Path

import datasets
import huggingface_hub

from course_utils.text.fetch_errors import DataError


def hub_rows(hub: dict) -> list[dict]:
    """The rows of a Hub dataset with the Hub's own column names turned into ours.

    Args:
        hub: an entry of `data/sources.toml`: path, perhaps config, splits, and columns, which
            names for each of the Hub's columns the one of ours. Other splits and columns are
            left out.

    Raises:
        DataError: the Hub cannot be reached, or its dataset has other columns.
    """
    rows = []
    for split in hub["splits"]:
        try:
            table = datasets.load_dataset(hub["path"], hub.get("config"), split=split)
        except Exception as error:  # offline, the libraries below raise a dozen different kinds
            raise DataError(_unreachable(hub["path"], error)) from error
        missing = set(hub["columns"]) - set(table.column_names)
        if missing:
            raise DataError(
                f"The Hub's {hub['path']} has no column {', '.join(sorted(missing))} any more: "
                "use source='package'."
            )
        columns = {ours: table[theirs] for theirs, ours in hub["columns"].items()}
        rows += [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    return rows


def hub_file(repository: str, filename: str) -> Path:
    """One file of a model on the Hub, in the Hub's own cache.

    Raises:
        DataError: the Hub cannot be reached, or has no such file.
    """
    try:
        return Path(huggingface_hub.hf_hub_download(repository, filename))
    except Exception as error:  # as above
        raise DataError(_unreachable(repository, error)) from error


def _unreachable(path: str, error: Exception) -> str:
    return (
        f"The Hugging Face Hub did not serve {path} ({type(error).__name__}): check the network, "
        "unset HF_HUB_OFFLINE if it is set, or use source='package'."
    )

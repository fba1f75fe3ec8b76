"""The demo: it answers on this machine, says what is wrong, and refuses strangers."""

import http.client
import json
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
import torch
from transformers import pipeline

from course_utils import cli, demo, files
from course_utils.model import interop
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import MaskedLanguageModel, SequenceClassifier
from course_utils.text.tokenization import train_tokenizer


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny masked model, a classifier of the same vocabulary, and one of another."""
    home = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    for name, words in (("bert", "a film"), ("other", "quite other words")):
        tokenizer = train_tokenizer([*demo.EXAMPLES, words], 220)
        shape = EncoderConfig.modern(len(tokenizer), hidden_size=16, num_layers=1, num_heads=2)
        interop.save_pretrained(MaskedLanguageModel(shape), home / name, tokenizer)
        sorter = SequenceClassifier(Encoder(shape), 2)
        interop.save_pretrained(
            sorter, home / f"{name}-sorter", tokenizer, labels=["negative", "positive"]
        )
    return home


@pytest.fixture(scope="module")
def server(folders):
    answerer = demo.Answerer(folders / "bert", folders / "bert-sorter")
    with demo.serve(answerer, port=0) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


def url(server, path=""):
    return f"http://127.0.0.1:{server.server_address[1]}/{path}"


def ask(server, content, path="api/look", **headers):
    """Status and answer of a question."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(url(server, path), body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as problem:
        return problem.code, json.load(problem)


def test_the_page_is_there_and_live(server):
    with urllib.request.urlopen(url(server), timeout=20) as answer:
        page = answer.read().decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '"live": true' in page and "Demo of bert" in page


def test_a_question_is_answered_as_the_library_answers(server):
    status, seen = ask(server, {"text": "a film [MASK]"})
    expected = server.RequestHandlerClass.answerer.look("a film [MASK]")
    assert status == 200 and seen == json.loads(json.dumps(expected))
    assert [name for name, _ in seen["classes"]] == ["negative", "positive"]


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        ({"text": ""}, 400, "holds no word"),
        ({"text": "film " * 99}, 400, "shorten it"),
        ({"text": 7}, 400, "must be a str"),
        ({"words": "a"}, 400, "looks like this"),
        (["text"], 400, "must be a str"),
        (b"\xff", 400, "looks like this"),
        (b"{", 400, "looks like this"),
        (b"x" * 10_001, 413, "at most 10,000 bytes"),
    ],
)
def test_bad_questions_get_a_sentence(server, content, status, says):
    found, answer = ask(server, content)
    assert found == status and says in answer["error"] and "\n" not in answer["error"]


def test_strangers_are_refused(server):
    assert ask(server, {"text": "a film"}, Host="evil.invalid:80")[0] == 403
    assert ask(server, {"text": "a film"}, Origin="http://evil.invalid")[0] == 403
    assert ask(server, {"text": "a film"}, **{"Content-Type": "text/plain"})[0] == 415
    here = f"http://localhost:{server.server_address[1]}"
    assert ask(server, {"text": "a film"}, Origin=here)[0] == 200
    assert ask(server, {"text": "a film"}, path="etc/passwd")[0] == 404
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url(server, "../pyproject.toml"), timeout=20)


def test_it_listens_on_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"


def test_several_may_ask_at_once(server):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(server, {"text": "a film"})))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6 and all(one == answers[0] for one in answers)


def test_a_taken_port_is_told_in_a_sentence(server, folders, capsys):
    port = server.server_address[1]
    with pytest.raises(demo.PortTakenError, match=f"Port {port} cannot be had"):
        demo.serve(demo.Answerer(folders / "bert"), port)
    assert cli.main(["demo", str(folders / "bert"), "--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"course demo: Port {port}") and told.count("\n") == 1
    with pytest.raises(ValueError, match="0 … 65535"):
        demo.serve(demo.Answerer(folders / "bert"), 99999)


def test_a_classifier_alone_answers_too(folders):
    seen = demo.Answerer(folders / "bert-sorter").look("a film")
    assert not seen["guesses"]
    folder = str(folders / "bert-sorter")
    (theirs,) = pipeline("text-classification", model=folder, top_k=None)(["a film"])
    expected = {one["label"]: one["score"] for one in theirs}
    assert dict(seen["classes"]) == pytest.approx(expected, abs=1e-5)


def test_what_does_not_belong_together_is_refused(folders, tmp_path):
    with pytest.raises(interop.CheckpointError, match="classifier itself"):
        demo.Answerer(folders / "bert-sorter", folders / "bert-sorter")
    with pytest.raises(interop.CheckpointError, match="different vocabularies"):
        demo.Answerer(folders / "bert", folders / "other-sorter")
    with pytest.raises(interop.CheckpointError, match="saved for another task"):
        demo.Answerer(folders / "bert", folders / "bert")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        demo.Answerer(tmp_path / "none")


def test_the_page_without_a_server(folders, tmp_path, capsys):
    path = tmp_path / "demo.html"
    assert cli.main(["demo", str(folders / "bert"), "--html", str(path)]) == 0
    assert '"live": false' in path.read_text("utf-8") and str(path) in capsys.readouterr().out
    assert cli.main(["demo", str(folders / "bert"), "--html", str(tmp_path / "demo")]) == 1
    with pytest.raises(ValueError, match="at least one sentence"):
        demo.write(demo.Answerer(folders / "bert"), path, [])


def test_ones_own_model_comes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "build_dir", lambda: tmp_path)
    assert demo.default_folder() == files.checkpoint_dir("course-bert")
    own = tmp_path / "checkpoints" / "my-bert"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    assert demo.default_folder() == own


def test_whoever_hangs_up_does_no_harm(server):
    with socket.create_connection(server.server_address[:2]) as half:
        half.sendall(b"POST /api/look HTTP/1.1\r\nHost: localhost:1\r\nContent-Le")
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()


def test_only_a_real_fault_is_printed(server, capfd):
    for problem in (BrokenPipeError("gone"), ConnectionResetError("gone"), ValueError("bug")):
        try:
            raise problem
        except Exception:
            server.handle_error(None, ("127.0.0.1", 1))
    told = capfd.readouterr().err
    assert "gone" not in told and "bug" in told


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look at the page")
def test_a_browser_opens_the_live_page(server, tmp_path):
    picture = tmp_path / "demo.png"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
               "--window-size=1000,1300", f"--screenshot={picture}", url(server)]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=60)
    assert picture.is_file() and picture.stat().st_size > 10_000

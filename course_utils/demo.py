"""The demo: a page on this machine where a trained model answers to sentences of one's own.

    course demo build/my-bert --classifier build/my-sorter

The server is Python's own. It listens on this machine alone, answers one address besides the page,
and refuses what another page in the same browser could send it.
"""

import http.server
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from course_utils import files
from course_utils.evaluation import explorer
from course_utils.model import checkpoint_files, interop

HOST, PORT = "127.0.0.1", 8023
LARGEST = 10_000  # bytes of a question
EXAMPLES = (
    "The [MASK] was a joy to watch, and I laughed until the end.",
    "A long, dull, empty film with [MASK] actors.",
)


class PortTakenError(RuntimeError):
    """Another program listens where the demo wants to."""


class Answerer:
    """A checkpoint that answers: a masked model, a classifier, or a masked model with one beside.

    Raises:
        FileNotFoundError: a folder is not there, or lacks a file.
        CheckpointError: a folder holds no model that the course can read, or `classifier` holds
            one with another vocabulary.
    """

    def __init__(self, folder: str | os.PathLike, classifier: str | os.PathLike | None = None):
        self.name = Path(folder).resolve().name
        self.tokenizer = interop.load_tokenizer(folder)
        self.model = interop.load_pretrained(folder, task=_task(Path(folder)))
        self.classifier, sorter = None, folder
        if classifier is not None:
            if isinstance(self.model, explorer.SequenceClassifier):
                raise checkpoint_files.CheckpointError(
                    f"{folder} is a classifier itself: give a masked model, with {classifier} "
                    "beside it"
                )
            sorter = classifier
            self.classifier = interop.load_pretrained(classifier, task="classification")
            if interop.load_tokenizer(classifier).get_vocab() != self.tokenizer.get_vocab():
                raise checkpoint_files.CheckpointError(
                    f"{classifier} and {folder} have different vocabularies: they cannot answer "
                    "about the same tokens"
                )
        self.labels = None
        if self.classifier is not None or isinstance(self.model, explorer.SequenceClassifier):
            names = checkpoint_files.read_config(checkpoint_files.existing(sorter)).id2label
            self.labels = [names[number] for number in sorted(names)]
        self._one_at_a_time = threading.Lock()

    def look(self, text: str) -> dict:
        """The view of a sentence; errors as `explorer.view`."""
        with self._one_at_a_time:
            return explorer.view(
                self.model, self.tokenizer, text, classifier=self.classifier, labels=self.labels
            )

    def page(self, live: bool = False, examples: Sequence[str] = EXAMPLES) -> str:
        """The demo's page with some sentences answered beforehand."""
        note = "A small model that was trained from raw text. It knows what it has read, no facts."
        views = [self.look(text) for text in examples]
        return explorer.page(views, f"Demo of {self.name}", note, live=live)


def _task(folder: Path) -> str:
    """What the model in a folder was saved for."""
    names = checkpoint_files.read_config(checkpoint_files.existing(folder)).architectures or [""]
    return "classification" if names[0].endswith("ForSequenceClassification") else "masked_lm"


def write(answerer: Answerer, path: str | os.PathLike, examples: Sequence[str] = EXAMPLES) -> Path:
    """The demo as one file that needs no server: with these sentences and no others.

    Raises:
        ValueError: a path that does not end in .html, no sentence, or one that cannot be shown.
    """
    if not examples:
        raise ValueError("A demo without a server needs at least one sentence to show.")
    views = [answerer.look(text) for text in examples]
    return explorer.write(path, views, f"Demo of {answerer.name}")


def serve(answerer: Answerer, port: int = PORT) -> http.server.ThreadingHTTPServer:
    """A server that listens on this machine; `serve_forever()` starts it. Port 0 is any free one.

    Raises:
        ValueError: `port` is not in 0 … 65535.
        PortTakenError: another program listens there.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"port must lie in 0 … 65535, not {port}.")
    page = answerer.page(live=True).encode("utf-8")
    handler = type("Handler", (_Handler,), {"answerer": answerer, "page": page})
    try:
        return _Server((HOST, port), handler)
    except OSError as problem:
        raise PortTakenError(
            f"Port {port} cannot be had ({problem.strerror}): is another demo running? "
            f"Choose another one, such as --port {port % 65535 + 1}."
        ) from problem


class _Server(http.server.ThreadingHTTPServer):
    # On Windows this option would let two servers share a port; elsewhere it only spares a wait.
    allow_reuse_address = os.name != "nt"
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # whoever hangs up is no fault
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    """GET / is the page; POST /api/look with {"text": …} is a view, or {"error": …}."""

    answerer: Answerer
    page: bytes
    timeout = 30  # seconds; whoever connects and says nothing is let go

    def do_GET(self):
        if self._is_from_here():
            if self.path in ("/", "/index.html"):
                self._send(200, self.page, "text/html; charset=utf-8")
            else:
                self._tell(404, "There is nothing here: the demo is at /.")

    def do_POST(self):
        if not self._is_from_here():
            return
        if self.path != "/api/look":
            self._tell(404, "Questions are asked at /api/look.")
        elif self.headers.get_content_type() != "application/json":
            self._tell(415, "A question is JSON.")  # a form of another page cannot send that
        else:
            self._answer()

    def _answer(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True  # the rest is not read
            return self._tell(413, f"A question has at most {LARGEST:,} bytes.")
        try:
            question = json.loads(self.rfile.read(int(length)))
            view = self.answerer.look(question["text"] if isinstance(question, dict) else question)
        except (KeyError, UnicodeDecodeError, json.JSONDecodeError):
            return self._tell(400, 'A question looks like this: {"text": "A film."}.')
        except (ValueError, TypeError) as problem:
            return self._tell(400, str(problem))
        self._send(200, json.dumps(view).encode("utf-8"), "application/json")

    def _is_from_here(self) -> bool:
        """Whether the browser meant this machine: a foreign name may point to 127.0.0.1 as well."""
        host = self.headers.get("Host", "").partition(":")[0]  # no port is named where it is 80
        origin = self.headers.get("Origin")
        port = self.server.server_address[1]
        names = (HOST, "localhost")
        mine = {f"http://{name}" + (f":{port}" if port != 80 else "") for name in names}
        if host in names and (origin is None or origin in mine):
            return True
        self.close_connection = True
        self._tell(403, "The demo answers on this machine only.")
        return False

    def _tell(self, status: int, sentence: str):
        self._send(status, json.dumps({"error": sentence}).encode("utf-8"), "application/json")

    def _send(self, status: int, content: bytes, kind: str):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nobody reads it."""


def default_folder() -> Path:
    """The learner's own model of lesson 14 where there is one, else the course's."""
    own = files.build_dir() / "checkpoints" / "my-bert"
    return own if (own / "config.json").is_file() else files.checkpoint_dir("course-bert")

"""What the learner meets: outcomes, hints, solutions, guesses."""

import time

import pytest
import torch

import course_utils
from course_utils import check, guess, hint, solution
from course_utils.exercises import engine, grading, progress, registry
from course_utils.exercises.grading import same_code


def right(q, k):
    return q @ k.transpose(-2, -1) / q.size(-1) ** 0.5


def test_the_four_outcomes_look_different():
    shown = {
        "○": check("00.2", None),
        "!": check("00.2", lambda q, k: q[99]),
        "✗": check("00.2", lambda q, k: q @ k.transpose(-2, -1)),
        "✓": check("00.2", right),
    }
    for symbol, outcome in shown.items():
        assert str(outcome).startswith(f"{symbol} 00.2 ")
        assert f"{symbol} 00.2 " in outcome._repr_html_()
    assert len({outcome.edge for outcome in shown.values()}) == 4


def test_html_is_escaped_and_takes_the_colours_of_the_page():
    html = check("00.2", lambda q, k: "<script>")._repr_html_()
    assert "<script>" not in html
    assert "color:inherit" in html
    assert "background:transparent" in html


def test_a_wrong_answer_shows_the_smallest_input():
    said = str(check("00.2", lambda q, k: 2 * right(q, k)))
    assert "q = tensor [[" in said
    assert "expected" in said
    assert "got" in said


def test_the_message_is_the_same_each_time():
    answers = [None, right, lambda q, k: q @ k.mT, lambda q, k: q[99], lambda q, k: 2 * right(q, k)]
    for answer in answers:
        assert str(check("00.2", answer)) == str(check("00.2", answer))


def test_a_forgotten_return_is_mentioned():
    def forgot(q, k):
        scores = q @ k.mT
        scores = scores / 2

    assert str(check("00.2", forgot)) == '○ 00.2 not attempted · hint("00.2") · it returns None'


def test_what_pytorch_cannot_do_is_a_crash_and_not_an_empty_answer():
    outcome = check("00.2", lambda q, k: torch.rand_like(q.long()))
    assert outcome.status == "crashed"
    assert "not implemented for 'Long'" in str(outcome)


@pytest.mark.parametrize(
    "answer", [3, "text", torch.ones(2), right(torch.ones(2, 2), torch.ones(2, 2))]
)
def test_the_function_itself_is_wanted(answer):
    outcome = check("00.2", answer)
    assert outcome.status == "wrong"
    assert outcome.message == 'hand over the function itself: check("00.2", attention_scores)'


def test_the_class_itself_is_wanted():
    assert "the class itself" in check("00.5", torch.nn.LayerNorm(3)).message


@pytest.mark.parametrize("id", ["99.9", "00.99", "04.99", "nonsense", "", 4, None])
def test_an_unknown_id_is_said(id):
    assert "there is no exercise" in check(id, right).message
    assert "there is no exercise" in str(hint(id))
    assert "there is no exercise" in str(solution(id))
    assert "there is no exercise" in str(guess(id, 1))


class Strange:
    """An answer that is as unhelpful as it can be."""

    def __getattr__(self, name):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


class StrangeArray:
    shape = property(lambda self: 1 / 0)

    def __array__(self, *args, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "make", [Strange, StrangeArray, lambda: Strange, lambda: {1: Strange()}, lambda: [[1], [1, 2]]]
)
def test_a_check_never_raises(make):
    value = make()
    assert check("00.2", lambda q, k: value).status in ("wrong", "crashed")
    assert check("00.2", value).status in ("wrong", "crashed")
    assert check("00.3", value).status in ("wrong", "crashed")
    assert check("00.4", value).status in ("wrong", "crashed")


def test_a_wrong_number_of_parameters_is_a_crash():
    outcome = check("00.2", lambda q: q)
    assert outcome.status == "crashed"
    assert "TypeError" in outcome.message


def test_parameters_may_be_renamed():
    assert check("00.2", lambda a, b: right(a, b)).correct


def test_what_it_printed_is_shown_when_it_is_wrong():
    def talks(q, k):
        print("look here")
        return q

    assert "look here" in str(check("00.2", talks))


def test_the_seed_can_be_changed(monkeypatch):
    first = str(check("00.2", lambda q, k: 2 * right(q, k)))
    monkeypatch.setenv("COURSE_CHECK_SEED", "17")
    assert str(check("00.2", lambda q, k: 2 * right(q, k))) != first
    assert check("00.2", right).correct
    monkeypatch.setenv("COURSE_CHECK_SEED", "any text")
    assert check("00.2", right).correct


def test_a_check_is_quick():
    check("00.2", right)
    start = time.perf_counter()
    check("00.2", right)
    assert time.perf_counter() - start < 1


def test_hints_come_in_steps():
    titles = [hint("00.3").title for _ in range(3)]
    assert titles == ["hint 1 of 2 for 00.3", "hint 2 of 2 for 00.3", "hint 2 of 2 for 00.3"]


def test_a_solution_shows_source_and_reason():
    said = str(solution("00.2"))
    assert "math.sqrt(q.size(-1))" in said
    assert "saturate" in said
    assert "8" in str(solution("00.3"))


def test_a_solution_brings_the_imports_that_it_needs():
    source = next(text for title, text in solution("03.5").body if not title)
    assert "from itertools import pairwise" in source
    exec(compile(source, "solution", "exec"), {})


def test_an_order_of_panels_may_be_a_number_and_a_wrong_one_does_not_give_it_away():
    assert check("06.8", 4231).correct
    assert check("06.8", "4231").correct
    for wrong in ("1234", "x", 1234):
        outcome = check("06.8", wrong)
        assert outcome.status == "wrong"
        assert "4231" not in outcome.message


def test_a_guess_is_kept_and_scored_later():
    assert guess("00.3", ...).status == "not attempted"
    assert check("00.3").status == "not attempted"
    assert "noted: 64" in str(guess("00.3", 64))
    outcome = check("00.3")
    assert outcome.status == "wrong"
    assert "you said 64, it is 8" in outcome.message
    guess("00.3", 8)
    assert check("00.3").correct


def test_a_guess_survives_a_restart(monkeypatch):
    guess("00.3", 8)
    monkeypatch.setattr(engine, "_guesses", {})
    assert check("00.3").correct


def test_a_guess_cell_run_untouched_is_no_guess_even_after_an_earlier_one():
    progress.record_guess("00.3", 8)
    guess("00.3", ...)
    assert check("00.3").status == "not attempted"


def test_check_without_an_answer_is_not_attempted():
    assert check("00.2").status == "not attempted"


def test_a_letter_may_be_written_large():
    assert check("00.4", " B ").correct
    assert check("00.4", "z").message == "choose one of a, b, c, not 'z'"


def test_a_known_mistake_is_named_although_there_is_another():
    def only_float32_and_no_scale(q, k):
        if q.dtype == torch.float64:
            raise TypeError("only float32")
        return q @ k.transpose(-2, -1)

    assert check("00.2", only_float32_and_no_scale).diagnosis == "forgot_the_scale"


def test_a_mended_bug_that_is_none_is_named():
    def mean_loss(losses, lengths):
        rows = (losses * (torch.arange(losses.size(1)) < lengths[:, None])).sum(1)
        return (rows / lengths).sum() / len(lengths)

    assert check("00.6", mean_loss).diagnosis == "mean_of_row_means"


def test_code_with_a_bug_is_recognised_wherever_its_imports_stand():
    """Inside the cell that imports the module, Python makes another sort of call, and longer."""
    lines = ["def shuffled(rows):", "    for row in rows:", "        random.shuffle(row)"]
    alone, after_import = {}, {}
    exec("\n".join(lines), alone)
    exec("\n".join(["import random", *lines]), after_import)
    assert grading.same_code(alone["shuffled"], after_import["shuffled"])
    exec("\n".join(lines).replace("in rows", "in rows[1:]"), alone)
    assert not grading.same_code(alone["shuffled"], after_import["shuffled"])


def test_the_package_offers_the_four_names():
    for name in ("check", "hint", "solution", "guess"):
        assert callable(getattr(course_utils, name))


def test_what_is_missing_in_a_class_is_named():
    class Half(registry.find("04.9").reference):
        def forward(self, x, mask=None, rotary=None):
            raise NotImplementedError

        def project(self, x, rotary):
            return x

    said = '○ 04.9 not attempted · hint("04.9") · still to be written: `forward`'
    assert str(check("04.9", Half)) == said


def test_a_crash_is_not_taken_for_another_one():
    """Right on the first case and a RuntimeError on the rest: so is a catalogued answer."""
    exercise = registry.find("04.8")
    only_once = next(w for w in exercise.wrong_answers if w.name == "only_for_a_batch_of_one")

    def other(x, num_heads):
        if len(x) > 1:
            raise RuntimeError("something else")
        return only_once.answer(x, num_heads)

    assert check("04.8", only_once.answer).diagnosis == "only_for_a_batch_of_one"
    outcome = check("04.8", other)
    assert (outcome.status, outcome.diagnosis) == ("crashed", None)


def test_a_loop_is_the_same_code_wherever_its_modules_are_imported():
    """A cell that imports nothing is compiled otherwise, and a loop then jumps to another place."""
    source = "def f(x):\n    for y in x:\n        y = torch.abs(y) + F.relu(y)\n    return y"
    cell, module, other = {}, {}, {}
    exec(source, cell)
    exec(f"import torch\nimport torch.nn.functional as F\n{source}", module)
    exec(f"import torch\n{source.replace('+', '-')}", other)
    assert same_code(cell["f"], module["f"])
    assert not same_code(cell["f"], other["f"])

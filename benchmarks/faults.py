"""The rules that a result may break, a sentence each."""

from __future__ import annotations

from benchmarks.shapes import same_class
from benchmarks.verdict import P_VALUE

BELOW = 1.0  # nats under the unigram line; above that, "time to loss" means nothing


def faults(report: dict, seeds: int) -> list[str]:
    """Why a headline may not be quoted; an empty list is what we want. `seeds`: of ours, planned.

    Settings with layers of their own belong to the open class, where sizes may differ.
    """
    theirs, ours = report["runs"]["theirs"], report["runs"]["ours"]
    said = []
    if report["nats_below_unigram"] < BELOW:
        below = report["nats_below_unigram"]
        said.append(
            f"The opponent ended {below:.2f} nats below the unigram line; less than {BELOW} means "
            "that time to its loss says nothing."
        )
    if report["speedup_tested"] is None:
        said.append("Our recipe did not reach the target at any of the budgets that were tried.")
    elif report["time_ratio"] is None:
        said.append("Our scouts' losses do not fall with time, so the ratio has no interval.")
    if report["p"] >= P_VALUE:
        said.append(f"p = {report['p']:.3g} is not below {P_VALUE}.")
    if len(ours) < seeds or seeds < 5:
        said.append(f"Only {min(len(ours), seeds)} of our seeds count, five are needed.")
    if not report["pace"] and not all(log.get("steady", True) for log in theirs):
        said.append("The machine's peak moved during a run of the opponent.")
    if report["pace"] and any(log["spec"]["settings"]["compile"] for log in ours):
        said.append("Our start, compiling included, is not counted either.")
    if ours and theirs:
        sizes = [group[0]["parameters"]["non_embedding"] for group in (ours, theirs)]
        is_open = "layers" in ours[0]["spec"]["settings"]
        if not is_open and not same_class(*sizes):
            said.append(f"{sizes[0]:,} against {sizes[1]:,} parameters: not the same shape.")
        if len({log["code"] for log in ours}) > 1:
            said.append("Our runs come from different versions of the code.")
        machines = {log["machine"] for log in (*ours, *theirs)}
        if len(machines) > 1 and not report["pace"]:  # turns are taken on one machine
            said.append("The runs come from different machines.")
    return said

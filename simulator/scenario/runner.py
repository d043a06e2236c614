"""Running scenarios: each in a process of a small pool, which loads the networks once."""

import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from platepost.common.errors import PlatepostError
from platepost.common.signals import check, stop_on_signals
from platepost.simulator.processes import results, shielded
from platepost.simulator.scenario.load import load
from platepost.simulator.scenario.observations import Observations
from platepost.simulator.scenario.outcome import Outcome, judge, totals_of
from platepost.simulator.scenario.play import play


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How scenarios are to be run."""

    seed: int = 1
    wall_clock: bool = False
    twice: bool = False
    """Play each a second time and hold the records against each other."""
    report: Path | None = None
    """Folder of the reports; none are written where None."""
    keep: Path | None = None
    """Folder in which what was made is kept, a folder each."""


def run_one(path: Path, options: RunOptions) -> Outcome:
    """Run one scenario in this process and judge it. What goes wrong with it is in the outcome.

    Raises:
        ScenarioFileError: the file is not right.

    """
    scenario = load(path)
    plain = Outcome(path.stem, scenario.title, scenario.promise, options.seed, 0.0)
    folder = Path(tempfile.mkdtemp(prefix="platepost-scenario-"))
    began = time.monotonic()
    try:
        courses = [
            play(
                scenario,
                folder / str(number),
                scenario_folder=path.parent,
                seed=options.seed,
                wall_clock=options.wall_clock,
            )
            for number in range(2 if options.twice else 1)
        ]
        observations = [Observations(course) for course in courses]
        totals = [totals_of(observed) for observed in observations]
        demands = judge(scenario, observations[0])
        outcome = replace(plain, demands=demands, figures=totals[0], seconds=time.monotonic() - began)
        if len({outcome.records_digest for outcome in totals}) > 1:
            outcome = replace(outcome, error="the second time its records were not the same")
        if options.report is not None:
            from platepost.simulator.scenario.report import write_report  # noqa: PLC0415 - charts take long to load

            outcome = replace(outcome, report=str(write_report(options.report, scenario, observations[0], outcome)))
    except (PlatepostError, OSError) as error:
        outcome = replace(plain, error=_explain(error), seconds=time.monotonic() - began)
    finally:
        lost = _keep(folder, options.keep / path.stem) if options.keep is not None else None
        shutil.rmtree(folder, ignore_errors=True)
    return outcome if lost is None or outcome.error else replace(outcome, error=lost)


def _keep(folder: Path, kept: Path) -> str | None:
    """Copy what was made; return why not all of it is kept, None if it is."""
    try:
        shutil.copytree(folder, kept, dirs_exist_ok=True)
    except shutil.Error as error:  # of each file that failed: from where, to where, and why
        return f"not everything is kept: {error.args[0][0][2]}"
    except OSError as error:
        return f"{kept}: cannot be written ({error.strerror})"
    return None


def run_all(paths: Sequence[Path], options: RunOptions, *, at_once: int) -> Iterator[Outcome]:
    """Run scenarios, so many at a time, and yield what came of each as it ends.

    Raises:
        ScenarioFileError: a file is not right; nothing has been run then.

    """
    for path in paths:
        load(path)
    with ProcessPoolExecutor(
        min(at_once, len(paths)), mp_context=get_context("spawn"), initializer=_begin_process
    ) as pool:
        with shielded():
            waiting = [pool.submit(_run_or_end, path, options) for path in paths]
        yield from results(pool, waiting)


def _run_or_end(path: Path, options: RunOptions) -> Outcome:
    """Run one scenario in a process of the pool, which takes no other when it is told to end."""
    try:
        check()
        return run_one(path, options)
    except KeyboardInterrupt:
        os._exit(1)


_STACK = ExitStack()
"""Open as long as a process of the pool lives."""


def _begin_process() -> None:
    """Prepare a process of the pool, which ends with what it started when it is told to, or left alone."""
    logging.disable(logging.CRITICAL)
    _STACK.enter_context(stop_on_signals())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    Thread(target=_follow, name="parent", daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _explain(error: BaseException) -> str:
    text = f"{error}"
    cause = error.__cause__
    return f"{text} ({type(cause).__name__})" if cause is not None and str(cause) in text else text

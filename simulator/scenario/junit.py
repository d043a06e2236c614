"""JUnit XML, which CI systems read: a suite a scenario, a case a demand."""

from collections.abc import Sequence
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from platepost.simulator.scenario.outcome import Outcome


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write what came of scenarios.

    Raises:
        OSError: the file cannot be written.

    """
    xml = JUnitXml("platepost scenarios")
    for outcome in outcomes:
        suite = TestSuite(outcome.name)
        suite.add_property("seed", str(outcome.seed))
        suite.add_property("promise", outcome.promise)
        if outcome.figures is not None:
            suite.add_property("records_digest", outcome.figures.records_digest)
        for demand in outcome.demands:
            case = TestCase(demand.says, classname=f"scenario.{outcome.name}")
            if demand.problems:
                case.result = [Failure("; ".join(demand.problems))]
            suite.add_testcase(case)
        if outcome.error is not None:
            case = TestCase("is played to its end", classname=f"scenario.{outcome.name}")
            case.result = [Error(outcome.error)]
            suite.add_testcase(case)
        suite.time = round(outcome.seconds, 3)
        xml.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.write(str(path), pretty=True)

from pathlib import Path

from platepost.simulator.scenario.outcome import Outcome
from platepost.simulator.scenario.report import write_index


def test_the_index_leads_to_a_report_whatever_its_file_is_called(tmp_path: Path) -> None:
    outcome = Outcome("case #3, 50 %", "A case", "All is well.", 1, 0.0, report=str(tmp_path / "case #3, 50 %.html"))
    page = write_index(tmp_path, [outcome]).read_text(encoding="utf-8")
    assert 'href="case%20%233%2C%2050%20%25.html"' in page

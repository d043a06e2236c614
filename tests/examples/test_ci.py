"""The example of a subscriber's own test, run as a stranger would: by the plugin alone, in an empty folder."""

import shutil
import tomllib
from pathlib import Path

import pytest

from simulator.brokers.mosquitto import mosquitto_path

CI = Path(__file__).parents[2] / "examples" / "ci"
pytest_plugins = ["pytester"]


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed")
def test_subscriber_s_own_test_passes_with_the_plugin_alone(pytester: pytest.Pytester) -> None:
    shutil.copy(CI / "test_console.py", pytester.path)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_fixtures_are_told_with_what_they_offer(pytester: pytest.Pytester) -> None:
    told = pytester.runpytest_subprocess("--fixtures")
    told.stdout.fnmatch_lines(["*broker*", "*mosquitto*", "*post*"])


def test_plugin_imports_nothing_of_the_simulator_before_it_is_needed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "simulator.fixtures" in sys.modules
            assert not {"cv2", "paho", "device", "provisioning"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_container_installs_what_the_project_locks() -> None:
    project = tomllib.loads((CI.parents[1] / "pyproject.toml").read_text())
    text = (CI / "Containerfile").read_text()
    assert "requirements/simulator.txt" in text
    assert "simulator" in project["project"]["optional-dependencies"]

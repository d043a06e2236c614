"""The example of a subscriber's own test, run as a stranger would: by the plugin alone, in an empty folder."""

import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from platepost.simulator.brokers.mosquitto import mosquitto_path

CI = Path(__file__).parents[2] / "examples" / "ci"
pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _without_django(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the department's tests in the same process have set, and a subscriber has not."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
def test_subscriber_s_own_test_passes_with_the_plugin_alone(pytester: pytest.Pytester) -> None:
    shutil.copy(CI / "test_console.py", pytester.path)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
def test_project_may_have_modules_of_our_packages_names(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("department", "device", "models", "provisioning", "simulator"):
        (pytester.path / f"{name}.py").write_text(f"OWNER = 'the subscriber of {name}'\n")
    pytester.makeconftest("import device, models")
    pytester.makepyfile(
        """
        import department, device, models, provisioning, simulator

        def test_post_reports_beside_modules_of_the_same_names(platepost_post):
            assert platepost_post.passes("7ABC123", listed="stolen_vehicle").hit.category == "stolen_vehicle"
            assert all(one.OWNER for one in (department, device, models, provisioning, simulator))
        """
    )
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    done = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=1)


def test_fixtures_are_told_with_what_they_offer(pytester: pytest.Pytester) -> None:
    told = pytester.runpytest_subprocess("--fixtures")
    told.stdout.fnmatch_lines(["*platepost_broker*", "*mosquitto*", "*platepost_post*"])


def test_plugin_imports_nothing_of_the_simulator_before_it_is_needed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "platepost.pytest_plugin" in sys.modules
            assert not {"cv2", "paho", "platepost.device", "platepost.simulator"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_container_installs_what_the_project_locks() -> None:
    project = tomllib.loads((CI.parents[1] / "pyproject.toml").read_text())
    text = (CI / "Containerfile").read_text()
    assert "requirements/simulator.txt" in text
    assert "simulator" in project["project"]["optional-dependencies"]

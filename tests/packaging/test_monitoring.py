"""Alert rules and dashboard, judged by Prometheus's own tools and by a real Prometheus."""

import json
import re
import shutil
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from platepost.simulator.brokers.daemon import free_port
from tests.waiting import until

MONITORING = Path(__file__).parents[2] / "packaging/monitoring"
RULES = (MONITORING / "platepost.rules.yml").read_text(encoding="utf-8")
TRIED = (MONITORING / "platepost.rules.test.yml").read_text(encoding="utf-8")
ALERTS = set(re.findall(r"- alert: (\w+)", RULES))

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is missing: apt-get install prometheus"
)


def test_each_alert_fires_when_all_is_wrong_and_none_when_all_is_well() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "platepost.rules.test.yml"],
        cwd=MONITORING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r'alertname="(\w+)"', TRIED)) == ALERTS


class _Figures(BaseHTTPRequestHandler):
    """A department of which all is wrong, as the test of the rules has it."""

    def do_GET(self) -> None:
        series = re.findall(r"- series: '([^']+)'\n +values: '([\d.]+)x", TRIED.partition("All is wrong")[2])
        body = "".join(f"{name} {value}\n" for name, value in series if name.startswith("platepost_")).encode()
        body += b'platepost_post_odd_records{post="post-1",verdict="forged"} 5\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Log nothing."""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes it, and a target that is down; alerts wait for nothing."""
    figures = ThreadingHTTPServer(("127.0.0.1", 0), _Figures)
    threading.Thread(target=figures.serve_forever, daemon=True).start()
    text = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
    targets = f'"127.0.0.1:{figures.server_port}", "127.0.0.1:{free_port()}"'
    text = text.replace("30s", "1s\n  evaluation_interval: 1s").replace('"127.0.0.1:8603"', targets)
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    (tmp_path / "platepost.rules.yml").write_text(re.sub(r" for: \w+", " for: 0s", RULES), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://{address}/api/v1"
    finally:
        process.terminate()
        process.wait(30)
        figures.shutdown()
        figures.server_close()


def _answer(url: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own server's
            data: dict[str, Any] = json.load(response)["data"]
            return data
    except OSError:
        return None


def test_each_alert_fires_in_a_real_prometheus_which_answers_the_dashboard(prometheus: str) -> None:
    def firing() -> set[str]:
        alerts = (_answer(f"{prometheus}/alerts") or {}).get("alerts", [])
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    until(lambda: firing() == ALERTS, seconds=60, report=lambda: f"not firing: {sorted(ALERTS - firing())}")
    panels = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries) > 10
    answers = {each: _answer(f"{prometheus}/query?{urllib.parse.urlencode({'query': each})}") for each in queries}
    assert [query for query, answer in answers.items() if answer is None] == []

"""`platepost simulate`: footage through a post's own code, with nothing but this machine."""

import signal
import threading

import click

from device.commands.lazy import LazyCommand, LazyGroup

_COMMANDS = {
    "aim": LazyCommand("simulator.practice:aim", "Practice aiming a camera, on a clip."),
    "custody": LazyCommand(
        "simulator.lab.custody.cli:custody", "Test custody: kill custodians and posts, and check every receipt."
    ),
    "custody-weeks": LazyCommand(
        "simulator.lab.custody.cli:custody_weeks",
        "Test custody: take a custodian offline for weeks, and check every receipt.",
    ),
    "demo": LazyCommand(
        "simulator.demo.cli:demo", "Run one post on recorded footage, from camera to console, and check the result."
    ),
    "department": LazyCommand(
        "simulator.lab.department.cli:department",
        "Test a department: kill its keeper, broker and database, and check every record.",
    ),
    "department-month": LazyCommand(
        "simulator.lab.department.month_cli:department_month",
        "Simulate a department's month with three breaches, and check its evidence.",
    ),
    "exercises": LazyCommand("simulator.exercises:exercises", "Make training exercises for a department."),
    "faults": LazyCommand(
        "simulator.lab.faults.cli:faults", "Test posts and broker with faults, and account for every record."
    ),
    "fleet": LazyCommand("simulator.lab.fleet.cli:fleet", "Load test: connect many posts to one real broker."),
    "fleet-model": LazyCommand(
        "simulator.lab.fleet.model_cli:fleet_model", "Estimate what larger fleets need, from load-test figures."
    ),
    "keeper": LazyCommand(
        "simulator.keeper.cli:keeper", "Run a small custodian that keeps records and issues receipts."
    ),
    "messages": LazyCommand(
        "simulator.messages.cli:messages", "Generate a day of messages, and replay it to a broker."
    ),
    "powercuts": LazyCommand(
        "simulator.lab.powercut.cli:powercuts", "Test the outbox with power cuts, and look for lost records."
    ),
    "redact": LazyCommand("simulator.redaction.cli:redact", "Make a copy of a clip without plates and faces."),
    "render": LazyCommand("simulator.scene.cli:render", "Render a scene file to a clip.", "simulator,scene"),
    "replay": LazyCommand("simulator.scoring.cli:replay", "Print the reads that a post would make from a clip."),
    "run": LazyCommand("simulator.scenario.cli:run", "Run scenarios, and check the results."),
    "scenarios": LazyCommand("simulator.scenario.cli:scenarios", "List the scenarios that ship, and what each checks."),
    "serve": LazyCommand("simulator.live.cli:serve", "Watch posts at work in a browser, and cause faults in them."),
    "soak": LazyCommand(
        "simulator.lab.soak.cli:soak",
        "Run a whole post with a fault every few seconds, and count on the wire.",
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    extra="simulator",
    epilog="""\b
Examples:
  platepost simulate demo                 one post, from camera to console
  platepost simulate serve                posts at work, in a browser
  platepost simulate run amber_alert      a scenario, as fast as this machine can
  platepost simulate replay north.mp4     what a post would read
""",
)
def simulate() -> None:
    """Run the demo, watch posts at work, replay footage, run scenarios, and test under faults."""
    if threading.current_thread() is threading.main_thread():
        # CI systems, timeout(1) and service managers end a command so: end what was started, as on Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)

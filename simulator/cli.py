"""`platepost simulate`: footage through a post's own code, with nothing but this machine."""

import signal
import threading

import click

from device.commands.lazy import LazyCommand, LazyGroup

_COMMANDS = {
    "aim": LazyCommand("simulator.practice:aim", "Practice aiming: the page that a unit shows, on a clip."),
    "custody": LazyCommand(
        "simulator.lab.custody.cli:custody", "Kill custodians and posts, and check every receipt on the wire."
    ),
    "custody-weeks": LazyCommand(
        "simulator.lab.custody.cli:custody_weeks",
        "Send a custodian away for weeks, and check every receipt on the wire.",
    ),
    "demo": LazyCommand("simulator.demo.cli:demo", "Show one post do its whole job on recorded footage."),
    "department": LazyCommand(
        "simulator.lab.department.cli:department",
        "Kill a department's keeper, broker and database, and check that every record is kept once.",
    ),
    "department-month": LazyCommand(
        "simulator.lab.department.month_cli:department_month",
        "Live a month of a department with three breaches, and check its evidence and what it computes.",
    ),
    "exercises": LazyCommand("simulator.exercises:exercises", "Draw exercises for the training of a department."),
    "faults": LazyCommand(
        "simulator.lab.faults.cli:faults", "Inflict faults upon posts and broker, and account for every record."
    ),
    "fleet": LazyCommand("simulator.lab.fleet.cli:fleet", "Hold many posts on one real broker, and measure."),
    "fleet-model": LazyCommand(
        "simulator.lab.fleet.model_cli:fleet_model", "Show what such figures say, and what larger fleets need by them."
    ),
    "keeper": LazyCommand("simulator.keeper.cli:keeper", "Keep the records of a fleet's posts, and issue receipts."),
    "messages": LazyCommand("simulator.messages.cli:messages", "Draw a day of messages, and replay it to a broker."),
    "powercuts": LazyCommand(
        "simulator.lab.powercut.cli:powercuts", "Cut the power under a working outbox, and look for what is gone."
    ),
    "redact": LazyCommand("simulator.redaction.cli:redact", "Write a clip without plates and faces."),
    "render": LazyCommand("simulator.scene.cli:render", "Draw a scene file to a clip.", "scene"),
    "replay": LazyCommand("simulator.scoring.cli:replay", "Print every read of a clip, as a post would make them."),
    "run": LazyCommand("simulator.scenario.cli:run", "Play scenarios, and judge them."),
    "scenarios": LazyCommand(
        "simulator.scenario.cli:scenarios", "List the scenarios that ship, with what each promises."
    ),
    "serve": LazyCommand(
        "simulator.live.cli:serve", "Show posts at work in a browser, and let it open their cases and pull their plugs."
    ),
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
  platepost simulate demo                 one post does its whole job, and is judged
  platepost simulate serve                posts at work, in a browser
  platepost simulate run amber_alert      a scenario, as fast as this machine can
  platepost simulate replay north.mp4     what a post would read
""",
)
def simulate() -> None:
    """Replay footage, run the demo, render scenes."""
    if threading.current_thread() is threading.main_thread():
        # CI systems, timeout(1) and service managers end a command so: end what was started, as on Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)

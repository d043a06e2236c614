"""`platepost simulate`: footage through a post's own code, with nothing but this machine."""

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.common.signals import stop_on_signals

_COMMANDS = {
    "aim": LazyCommand("platepost.simulator.practice:aim", "Practice aiming a camera, on a clip."),
    "custody": LazyCommand(
        "platepost.simulator.lab.custody.cli:custody",
        "Test custody: kill custodians and posts, and check every receipt.",
    ),
    "custody-weeks": LazyCommand(
        "platepost.simulator.lab.custody.cli:custody_weeks",
        "Test custody: take a custodian offline for weeks, and check every receipt.",
    ),
    "demo": LazyCommand(
        "platepost.simulator.demo.cli:demo",
        "Run one post on recorded footage, from camera to console, and check the result.",
    ),
    "department": LazyCommand(
        "platepost.simulator.lab.department.cli:department",
        "Test a department: kill its keeper, broker and database, and check every record.",
    ),
    "department-month": LazyCommand(
        "platepost.simulator.lab.department.month_cli:department_month",
        "Simulate a department's month with three breaches, and check its evidence.",
    ),
    "exercises": LazyCommand("platepost.simulator.exercises:exercises", "Make training exercises for a department."),
    "faults": LazyCommand(
        "platepost.simulator.lab.faults.cli:faults", "Test posts and broker with faults, and account for every record."
    ),
    "fleet": LazyCommand(
        "platepost.simulator.lab.fleet.cli:fleet", "Load test: connect many posts to one real broker."
    ),
    "keeper": LazyCommand(
        "platepost.simulator.keeper.cli:keeper", "Run a small custodian that keeps records and issues receipts."
    ),
    "messages": LazyCommand(
        "platepost.simulator.messages.cli:messages", "Generate a day of messages, and replay it to a broker."
    ),
    "powercuts": LazyCommand(
        "platepost.simulator.lab.powercut.cli:powercuts", "Test the outbox with power cuts, and look for lost records."
    ),
    "redact": LazyCommand(
        "platepost.simulator.redaction.cli:redact", "Make a copy of a clip without plates and faces."
    ),
    "render": LazyCommand("platepost.simulator.scene.cli:render", "Render a scene file to a clip.", "simulator,scene"),
    "replay": LazyCommand(
        "platepost.simulator.scoring.cli:replay", "Print the reads that a post would make from a clip."
    ),
    "run": LazyCommand("platepost.simulator.scenario.cli:run", "Run scenarios, and check the results."),
    "scenarios": LazyCommand(
        "platepost.simulator.scenario.cli:scenarios", "List the scenarios that ship, and what each checks."
    ),
    "serve": LazyCommand(
        "platepost.simulator.live.cli:serve", "Watch posts at work in a browser, and cause faults in them."
    ),
    "soak": LazyCommand(
        "platepost.simulator.lab.soak.cli:soak",
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
@click.pass_context
def simulate(context: click.Context) -> None:
    """Run the demo, watch posts at work, replay footage, run scenarios, and test under faults."""
    context.with_resource(stop_on_signals())

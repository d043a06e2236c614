"""`platepost simulate`: footage through a post's own code, with nothing but this machine."""

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.common.signals import stop_on_signals

_COMMANDS = {
    "aim": LazyCommand("platepost.simulator.practice:aim", "Practice aiming a camera, on a clip."),
    "demo": LazyCommand(
        "platepost.simulator.demo.cli:demo",
        "Run one post on recorded footage, from camera to console, and check the result.",
    ),
    "exercises": LazyCommand("platepost.simulator.exercises:exercises", "Make training exercises for a department."),
    "messages": LazyCommand(
        "platepost.simulator.messages.cli:messages", "Generate a day of messages, and replay it to a broker."
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
    """Run the demo, watch posts at work, replay footage, and run scenarios."""
    context.with_resource(stop_on_signals())

"""Every text of the technician's pages has its translation, with the same fields, and no translation is left over."""

import ast
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import click
import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter, ValidationError

from platepost.common.commands.spoken import CLICK, METAVARS, SpokenHelp, paragraphs
from platepost.common.language import (
    ENGLISH,
    LANGUAGES,
    Phrase,
    agreed,
    catalog,
    local,
    message,
    preferred,
    spoken,
    terminal_language,
    translated,
)
from platepost.device.cli import platepost
from platepost.device.commands.decommission import decommission
from platepost.device.commands.enroll import enroll
from platepost.device.commands.renew import renew
from platepost.device.commands.selftest import selftest
from platepost.simulator.practice import aim as practice
from platepost.technician.commands.accept import accept
from platepost.technician.commands.aim import aim
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.faults import DESCRIPTIONS, explained

ROOT = Path(__file__).parents[2]
ROOMS = tuple(ROOT / name for name in ("common", "device", "provisioning", "technician", "wire"))
PRACTICE = ROOT / "simulator" / "practice.py"
OTHERS = sorted(set(LANGUAGES) - {ENGLISH})
OFFICE = {"seal.py", "standing.py"}
AT_THE_UNIT = (
    *(ROOT / "device" / "commands" / name for name in ("decommission.py", "enroll.py", "renew.py", "selftest.py")),
    *(ROOT / "technician" / "commands" / name for name in ("accept.py", "aim.py")),
    *(path for path in (ROOT / "technician").glob("[!c]*/*.py") if path.name not in OFFICE),
    *(path for path in (ROOT / "technician").glob("*.py")),
    *(ROOT / "device" / "enrollment" / f"{name}.py" for name in ("keyfiles", "tpm", "unit", "wipe")),
    *(ROOT / "wire" / "enrollment" / f"{name}.py" for name in ("code", "est")),
    ROOT / "provisioning" / "trust" / "passphrase.py",
    PRACTICE,
)
"""Files whose every word a technician may read; what is judged in the office is none of them."""
COMMANDS: dict[str, click.Command] = {
    **{command.name or "": command for command in (enroll, aim, accept, decommission, renew, selftest)},
    "simulate aim": practice,
}
"""What a technician types."""
SPEAKING = {"echo", "say", "progress", "ask", "prompt", "confirm", "getpass", "Result", "SelfTestResult"}
ERRORS = {
    *("AimRefusedError", "CameraError", "DecommissionError", "EnrollmentError", "ProvisioningError", "UsageError"),
    *("BadParameter", "TpmNotClearedError", "_FaultError"),
}
"""Functions that show a text, and what is shown later."""


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _texts() -> set[str]:
    """Return the texts of `Phrase` in Python, and of `t` in templates and scripts."""
    found = set()
    for path in (*(path for room in ROOMS for path in room.rglob("*.py")), PRACTICE):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node) == "Phrase":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    found.add(text.value)
    for path in (*(ROOT / "technician").rglob("*.html"), *(ROOT / "technician").rglob("*.js")):
        for match in re.finditer(r"""\bt\((?:"([^"]+)"|'([^']+)')""", path.read_text(encoding="utf-8")):
            found.add(match[1] or match[2])
    return found


def _help() -> Iterator[str]:
    """Give the texts of help that a technician reads."""
    for command in (platepost, *COMMANDS.values()):
        yield from (*paragraphs(command.help), *paragraphs(command.epilog))
        yield from (each.help for each in command.params if isinstance(each, click.Option) and each.help)
    context = click.Context(platepost)
    yield from (platepost.line_of_help(name) for name in platepost.list_commands(context))


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_with_its_fields_and_none_is_left_over(language: str) -> None:
    words = catalog(language)
    faults = {text for each in DESCRIPTIONS.values() for text in (each.cause, each.remedy)}
    assert words.keys() == _texts() | set(_help()) | faults
    assert [text for text, said in words.items() if not said.strip() or _fields(said) - _fields(text)] == []
    # Click fills its own texts, some with a name of its own that is English.
    assert [text for text, said in words.items() if text not in CLICK and _fields(text) - _fields(said)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_technician_s_command_explains_itself_in_the_language_asked_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    words = [*name.split(), "--help"]
    assert isinstance(COMMANDS[name], SpokenHelp)
    shown = " ".join(CliRunner().invoke(platepost, ["--language", "es", *words]).output.split())
    for text in (*paragraphs(COMMANDS[name].help), "Show this message and exit.", *METAVARS):
        if text in METAVARS:
            assert not re.search(rf"(?<!-){re.escape(text)}\b", shown), text
        else:
            assert " ".join(catalog("es")[text].split()) in shown
    english = CliRunner().invoke(platepost, ["--language", "en", *words]).output
    assert paragraphs(COMMANDS[name].help)[0] in " ".join(english.split())
    assert english.startswith("Usage: platepost")


def test_a_fault_is_explained_with_what_to_do_in_the_language_asked_for() -> None:
    said = explained(["clock_unsynchronised", "no status yet"])
    cause = "The clock is not synchronized. Check that the unit reaches its time server. (clock_unsynchronised)"
    assert said == f"{cause} no status yet."
    assert said.within(catalog("es")).startswith("El reloj no está sincronizado. Compruebe que el equipo llegue")


def test_the_list_of_commands_and_a_mistake_are_in_the_language_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    assert "Dar de alta este equipo" in CliRunner().invoke(platepost, ["--language", "es", "--help"]).output
    mistaken = CliRunner().invoke(platepost, ["--language", "es", "enroll"]).output
    assert "Error: Falta el argumento 'POST'." in mistaken
    assert "Para ver la ayuda: platepost enroll" in mistaken


def test_click_still_says_what_is_translated_of_it() -> None:
    folder = Path(click.__file__).parent
    said = {
        node.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [text for text in CLICK if text not in said] == []


@pytest.mark.parametrize(
    ("answer", "yes"), [("y", True), (" Sí\n", True), ("S", True), ("N", False), ("no", False), ("", None), ("q", None)]
)
def test_yes_and_no_are_understood_in_every_language(answer: str, yes: bool | None) -> None:  # noqa: FBT001 - a row of a table
    assert agreed(answer) is yes


def _is_english(node: ast.expr) -> bool:
    """Tell a text of several words beside its fields; one word is the name of an act."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    said = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
    return isinstance(node, (ast.Constant, ast.JoinedStr)) and re.search(r"[a-z]{2} *[ :][ a-z]", said) is not None


@pytest.mark.parametrize("path", AT_THE_UNIT, ids=lambda path: path.name)
def test_nothing_is_said_at_a_unit_that_cannot_be_translated(path: Path) -> None:
    plain = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (_called(node) in SPEAKING or _called(node) in ERRORS):
            shown = [*node.args[:1], *(each.value for each in node.keywords if each.arg in {"point", "said"})]
            plain += [f"line {each.lineno}: {ast.unparse(each)}" for each in shown if _is_english(each)]
    assert plain == []


def test_phrases_are_english_until_they_are_said_in_another_language() -> None:
    lane = Phrase("left lane")
    said = Phrase("no longer seen: {lane}", lane=lane)
    assert said == "no longer seen: left lane"
    words = {"left lane": "carril izquierdo", "no longer seen: {lane}": "ya no se ve: {lane}"}
    assert translated({"said": (said, 7)}, words) == {"said": ["ya no se ve: carril izquierdo", 7]}
    assert Phrase("{not a field").within(words) == "{not a field"


def test_a_phrase_outlasts_a_file() -> None:
    kept = TypeAdapter(Phrase)
    said = Phrase("{step}: done before", step=Phrase("view"))
    again = kept.validate_json(kept.dump_json(said))
    assert (again, again.within(catalog("es"))) == ("view: done before", "vista: ya se hizo")
    assert kept.validate_python("well").within(catalog("es")) == "well"
    for damaged in ("7", "{}", '{"text": "{a}", "fields": {"b": "c"}}', '{"text": 1, "fields": {"a": "b"}}'):
        with pytest.raises(ValidationError, match="a phrase has a text"):
            kept.validate_json(damaged)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_MX.UTF-8"}, "es"),
        ({"LANG": "es_US", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "es"}, "es"),
        ({"LANGUAGE": "fr:es_MX:en", "LC_ALL": "en_US.UTF-8"}, "es"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_a_terminal_has_the_language_of_its_locale(locale: dict[str, str], language: str) -> None:
    assert terminal_language(locale) == language


def test_a_refusal_at_the_unit_is_said_in_the_language_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    for language, said in (
        ("en", "'7K3M' is not a code: expected 16 letters"),
        ("es", "'7K3M' no es un código: debe tener 16"),
    ):
        words = ["enroll", "post-17", "office:1", "--directory", str(tmp_path), "--code-file", "-"]
        result = CliRunner().invoke(platepost, ["--language", language, *words], input="\ufeff7K3M")
        assert isinstance(result.exception, EnrollmentError)
        assert spoken(message(result.exception)).startswith(said)


def test_a_moment_is_in_this_machine_s_time_with_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 7, 1, 19, 30, 5, tzinfo=UTC)
    try:
        monkeypatch.setenv("TZ", "PST8PDT,M3.2.0,M11.1.0")
        time.tzset()
        assert local(moment) == "2026-07-01 12:30 PDT"
        assert local(moment, "%H:%M:%S") == "12:30:05 PDT"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("de, en-US;q=0.7, es;q=0.3", "en"),
        ("en;q=0.2,es-US", "es"),
        ("es;q=0", "en"),
        ("es;q=x", "en"),
    ],
)
def test_the_browser_says_which_language_comes_first(accepted: str, language: str) -> None:
    assert preferred(accepted) == language

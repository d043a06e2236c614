"""Tables of the reference, made from the code: `<!-- generated: NAME -->` in a page becomes the one of that name.

The site gets them when it is built, a Debian package when its documents are installed.
"""

import ast
import inspect
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import django
import yaml
from django.conf import settings
from pydantic import BaseModel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platepost.department.config.base")
settings.SECRET_KEY = "unused"  # noqa: S105 - nothing is signed
django.setup()

from platepost.department import folder  # noqa: E402 - Django is set up first
from platepost.department.config import access_table  # noqa: E402
from platepost.department.ledger.catalog import LedgerEvent  # noqa: E402
from platepost.device.config.reference import reference  # noqa: E402
from platepost.simulator.scenario.description import Scenario  # noqa: E402
from platepost.wire import faults  # noqa: E402
from platepost.wire.contract.schema import contract, topics  # noqa: E402
from platepost.wire.records.audit import ACTIONS  # noqa: E402

HERE = Path(__file__).parent
SHARED_KEYS = {"at", "post", "after", "before", "count", "at_least", "at_most"}
"""Keys that many events or demands of a scenario take: the page explains them once."""
MARK = re.compile(r"^<!-- generated: ([\w.-]+) -->$", re.MULTILINE)


def expand(text: str) -> str:
    """Return a page with its tables.

    Raises:
        KeyError: there is none of that name.

    """
    return MARK.sub(lambda found: TABLES[found[1]]().rstrip(), text)


def _table(head: str, rows: Iterable[Iterable[str]]) -> str:
    columns = head.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _post_settings() -> str:
    return reference()


def _faults() -> str:
    return faults.table()


def _topics() -> str:
    return topics(json.loads(contract()["asyncapi.json"]))


def _actions() -> str:
    return ", ".join(f"`{action}`" for action in ACTIONS) + "."


def _access() -> str:
    return access_table.table()


def _attributes(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the settings of a class with the text below each."""
    body = ast.parse(inspect.getsource(model)).body[0].body  # type: ignore[attr-defined]
    for setting, text in zip(body, [*body[1:], None], strict=True):
        if isinstance(setting, ast.AnnAssign) and isinstance(setting.target, ast.Name):
            described = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            yield setting.target.id, inspect.cleandoc(str(text.value.value)) if described else ""


def _department_toml() -> str:
    tables = {
        "": folder.DepartmentSettings,
        "identity_provider": folder.IdentityProvider,
        "mail": folder.MailSettings,
        "picture_bucket": folder.BucketSettings,
    }
    return _table(
        "setting | default | meaning",
        (
            [f"`{f'[{name}] ' if name else ''}{key}`", _default(table, key), " ".join(text.split())]
            for name, table in tables.items()
            for key, text in _attributes(table)
            if key in table.model_fields and key not in tables
        ),
    )


def _default(table: type[BaseModel], key: str) -> str:
    field = table.model_fields[key]
    if field.is_required():
        return "required"
    value = field.default
    return f"`{json.dumps(value, default=str)}`" if value not in (None, "", (), {}) else ""


def _ledger_events() -> str:
    kinds = [event.kind for event in LedgerEvent]
    return _table(
        "event | what happened | fields | class",
        (
            [f"`{kind.name}`", kind.label, " ".join(f"`{field}`" for field in kind.fields), kind.retention.value]
            for kind in kinds
        ),
    )


def _alerts() -> str:
    rules = yaml.safe_load((HERE.parent / "packaging/monitoring/platepost.rules.yml").read_text(encoding="utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    rows = []
    for rule in alerts:
        told = f"{rule['annotations']['summary']} {rule['annotations']['description']}"
        told = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", told)
        told = re.sub(r"\{\{ \$value.*?\}\}", "*value*", told)
        rows.append([f"`{rule['alert']}`", rule.get("for", "at once"), rule["labels"]["severity"], told])
    return _table("alert | after | severity | what is wrong, and what to do", rows)


def _scenario_keys() -> str:
    schema = Scenario.model_json_schema()
    rows = [[f"`{key}`", each["description"]] for key, each in schema["properties"].items()]
    for name, table in {"posts": "PostDescription", "lists": "ListDescription", "traffic": "Traffic"}.items():
        keys = schema["$defs"][table]["properties"]
        rows += [[f"`{name}`: `{key}`", each.get("description", "")] for key, each in keys.items()]
    return _table("key | what", rows)


def _kinds(word: str) -> str:
    """Return a table of the kinds of events (`do`) or demands (`check`) of a scenario."""
    definitions = Scenario.model_json_schema()["$defs"].values()
    rows = []
    for kind in definitions:
        properties = dict(kind.get("properties", {}))
        own = properties.pop(word, {})
        if "const" not in own:
            continue
        keys = [f"`{key}`: {each.get('description', '')}" for key, each in properties.items() if key not in SHARED_KEYS]
        rows.append([f"`{own['const']}`", " ".join(kind.get("description", "").split()), " ".join(keys)])
    return _table(f"`{word}` | what | keys", rows)


TABLES: dict[str, Callable[[], str]] = {
    "access": _access,
    "actions": _actions,
    "alerts": _alerts,
    "department.toml": _department_toml,
    "events": _ledger_events,
    "faults": _faults,
    "post.toml": _post_settings,
    "scenario-checks": lambda: _kinds("check"),
    "scenario-events": lambda: _kinds("do"),
    "scenario-keys": _scenario_keys,
    "topics": _topics,
}

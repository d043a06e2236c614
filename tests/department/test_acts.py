"""Every view and every act of a person makes an entry of the ledger: found in the code, so that a new one is looked at.

The functions of the department and what they call are read from its source. A view whose functions enter nothing, and a
public function that changes the database and enters nothing, must stand below, with a reason.
"""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

import platepost.department
from platepost.department.ledger.catalog import LedgerEvent

HERE = Path(platepost.department.__file__).parent
ROOMS = ("people", "ledger", "search", "archive", "audits", "alerts", "lists", "sharing", "federation", "status")
"""Where people's acts are: custody is the keeper's, who is no person; commands call these."""
OPENED = {"open_entry": {"INTENT", "REFUSED"}, "open_log": {"LOG_INTENT", "REFUSED"}}
"""What is entered by anyone who calls these; the first of each is what counts."""
CHANGES = re.compile(r"\b(INSERT INTO|UPDATE [a-z]\w*|DELETE FROM|TRUNCATE)\b")
CALLS = re.compile(r"\bSELECT (\w+)\(")
SAVES = frozenset({"save", "create", "get_or_create", "update", "update_or_create", "delete", "bulk_create"})

VIEWS_WITHOUT = {
    "lists": "the database enters what it shows: `lists_show`",
    "home": "leads on to the page of one's work",
    "console": "a frame without a hit",
    "events": "a stream: the feed shows each hit under an entry of each who listens",
    "audits": "plans, dates and names, without a search",
    "training": "drawn plates, and one's own results",
    "exercise_picture": "a drawn plate",
    "begin_again": "changes one's own session",
    "keep_alive": "the same",
    "show": "subscribers and agreements, without a vehicle",
    "people": "a register of names and rights, without a vehicle",
    "person": "the same",
    "quality": "rates, without a plate or a person",
    "rejections": "hits without a plate: each opens under an entry",
    "tile": "streets, without a vehicle",
    "confirm_law": "the database enters `law_changed` as the law changes",
    "policy": "counts, without a plate or a person",
    "one_request": "a request, without a vehicle",
    "notice": "counts of what was exposed, without a plate",
    "notice_pdf": "as `notice`",
    "partners": "a register of departments and what was decided, without a vehicle",
    "agencies": "a register of agencies and agreements, without a vehicle",
    "status": "counts, without a plate, a vehicle or a person",
    "imports": "counts of rows and reasons",
    "one_import": "the same",
    "cancel": "gives up a search that was entered when it began",
    "carts": "numbers of records and of cases, without a vehicle",
    "scenes": "the form; each page of its results is an entry",
    "incident": "steps and dates of an incident, without a vehicle",
    "letter": "the text of a letter, without a vehicle, of a request or for a package",
    "letter_pdf": "the same",
    "policy_text": "the policy, which is public",
    "policy_pdf": "the same",
    "help_page": "what pages are for",
    "go_live": "what is missing, without a person",
    "people_list": "as `people`: the list that waits for a second person",
    "code_step": "allauth's `mfa_authenticate`, whose entries are below",
    "form_again": "what the same person typed before the session ended",
    "search": "the form; the results that it leads to are an entry",
    "change": "the same, with what was asked before",
    "search_partners": "the same, for partner departments",
    "waiting": "whether a hit waits, in words and without a plate; the console enters what it shows",
    "hold_chosen": "leads to the form of a hold, with numbers that a search has listed",
}
"""Views of ours that enter nothing: they show no vehicle, and change nothing."""
ACTS_WITHOUT = {
    "platepost.department.search.session_searches.list_reads": "what a page of results lists, whose entry has it",
    "platepost.department.lists.imports.forget_former": "files whose place an import took, which was entered",
    "platepost.department.lists.services.withdraw_listed": "part of the act that takes entries off the list",
    "platepost.department.sharing.laws.confirm_law": "the database enters `law_changed` as the law changes",
    "platepost.department.sharing.publication.publish_month": "of `nightly`: a month's counts, signed and in the open",
    "platepost.department.sharing.publication.correct_month": "the same, of a month that was published wrong",
    "platepost.department.alerts.accuracy.draw_samples": "of the command line: reads by chance, seen by `label` alone",
    "platepost.department.audits.household.prepare_key": "of `upgrade`: what was sealed to a key that is gone",
    "platepost.department.people.lockout.use_up": "part of a log-on, which is entered",
    "platepost.department.people.provider.keep_access": "part of a log-on, which is entered",
    "platepost.department.people.provider.end_sessions": "of acts that enter why, such as `end_access`",
    "platepost.department.people.sessions.begin_session": "part of a log-on, which is entered, and which it demands",
    "platepost.department.search.session_searches.store_search": "what a person typed: each page of it is an entry",
    "platepost.department.search.tickets.give_ticket": "of a page that shows a read, under its entry",
    "platepost.department.search.tickets.use_ticket": "of a picture, which is shown under an entry of its own",
    "platepost.department.archive.redaction.cover": "draws into a picture; the order for it is entered",
    "platepost.department.archive.portability.import_department": "fills an empty department, whose ledger comes along",
}
"""Acts that enter nothing."""
ALLAUTH = {
    "account_login": "LOG_ON LOG_ON_FAILED",
    "mfa_authenticate": "LOG_ON LOG_ON_FAILED",
    "mfa_login_webauthn": "LOG_ON",
    "account_inactive": "",
    "socialaccount_login_cancelled": "",
    "socialaccount_login_error": "",
    "openid_connect_login": "LOG_ON_FAILED",
    "openid_connect_callback": "LOG_ON LOG_ON_FAILED ROLE_GIVEN ROLE_ENDED",
    "account_logout": "LOG_OFF",
    "mfa_index": "",
    "mfa_list_webauthn": "",
    "mfa_add_webauthn": "FACTOR_ADDED",
    "mfa_remove_webauthn": "FACTOR_REMOVED",
    "mfa_activate_totp": "FACTOR_ADDED",
    "mfa_deactivate_totp": "FACTOR_REMOVED",
    "mfa_view_recovery_codes": "",
    "mfa_generate_recovery_codes": "FACTOR_ADDED FACTOR_REMOVED",
    "account_change_password": "PASSWORD_SET",
    "account_set_password": "PASSWORD_SET",
    "mfa_reauthenticate": "LOG_ON_FAILED",
    "mfa_reauthenticate_webauthn": "",
}
"""allauth's own views, by name: their events come by its adapters and by triggers, and test_login.py sees them come."""


class Code:
    """The functions of a module's source: which events each names, and which functions it calls."""

    def __init__(self, path: Path) -> None:
        self.module = ".".join(path.relative_to(HERE.parents[1]).with_suffix("").parts)
        tree = ast.parse(path.read_text("utf-8"))
        self.imported: dict[str, str] = {}
        self.functions: dict[str, ast.AST] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                self.imported |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.functions[node.name] = node
                methods = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
                self.functions |= {f"{node.name}.{each.name}": each for each in methods}
            elif isinstance(node, ast.Assign):
                maker = getattr(getattr(node.value, "func", None), "id", "")
                if isinstance(self.functions.get(maker), ast.FunctionDef):  # it makes views of one shape
                    self.functions |= {each.id: node for each in node.targets if isinstance(each, ast.Name)}

    def called(self, node: ast.AST) -> Iterator[str]:
        """Yield the full names of what a function names, called at once or handed on."""
        for each in _body(node):
            if isinstance(each, ast.Name):
                if each.id in self.functions:
                    yield f"{self.module}.{each.id}"
                elif each.id in self.imported:
                    yield self.imported[each.id]
            elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
                yield f"{self.imported.get(each.value.id, self.module)}.{each.attr}"


@cache
def _body(node: ast.AST) -> tuple[ast.AST, ...]:
    """Return all below a function but its decorators and types: that someone was refused is another's entry."""
    nodes: list[ast.AST] = []
    for field, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST) and field not in {"decorator_list", "annotation", "returns"}:
                nodes += each, *_body(each)
    return tuple(nodes)


@cache
def code() -> Mapping[str, Code]:
    return {created.module: created for created in map(Code, HERE.rglob("*.py")) if "migrations" not in created.module}


def function_named(name: str) -> tuple[Code, ast.AST] | None:
    module, _, function = name.rpartition(".")
    if module in code() and function in code()[module].functions:
        return code()[module], code()[module].functions[function]
    return None


@cache
def entered(name: str) -> frozenset[str]:
    """Return the events that a function enters, with all that it calls."""
    events, seen, left = set(), set(), [name]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.rpartition(".")[2] in OPENED and name.startswith("platepost.department.ledger.entries."):
            events |= OPENED[name.rpartition(".")[2]]
            continue
        known = function_named(name)
        if known is None:
            continue
        events |= {
            each.attr
            for each in _body(known[1])
            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "LedgerEvent"
        }
        if changes(name):
            events |= {event for table, events in triggered().items() if table in tables(known[1]) for event in events}
        left += known[0].called(known[1])
    return frozenset(events)


@cache
def changes(name: str) -> bool:
    """Tell whether a function changes the database itself."""
    known = function_named(name)
    for each in () if known is None else _body(known[1]):
        text = each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else ""
        if CHANGES.search(text) or any(map(statement_changes, CALLS.findall(text))):
            return True
        saves = isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in SAVES
        if saves and (each.func.attr != "update" or each.keywords):  # a digest or a set is updated by position
            return True
    return False


@cache
def tables(node: ast.AST) -> frozenset[str]:
    """Return the names by which a function means tables: models, words of SQL, and a person that is saved."""
    words = {each.id for each in _body(node) if isinstance(each, ast.Name)}
    saved = (each for each in _body(node) if isinstance(each, ast.Attribute) and each.attr == "save")
    words |= {"people_person" for each in saved if isinstance(each.value, ast.Name) and each.value.id == "person"}
    texts = (each.value for each in _body(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))
    return frozenset(words | {word for text in texts for word in re.findall(r"\w+", text)})


@cache
def statements() -> Mapping[str, str]:
    """Return the bodies of the database's own functions, by name."""
    created: dict[str, str] = {}
    for path in HERE.rglob("sql/*.sql"):
        created |= dict(
            re.findall(r"CREATE OR REPLACE FUNCTION (\w+)\([^$]*\$\$(.*?)\$\$", path.read_text(), re.DOTALL)
        )
    return created


@cache
def statement_changes(name: str) -> bool:
    """Tell whether a function of the database changes something, itself or by another."""
    body = statements().get(name, "")
    others = (called for called in re.findall(r"(\w+)\(", body) if called != name)
    return bool(CHANGES.search(body)) or any(map(statement_changes, others))


@cache
def triggered() -> Mapping[str, frozenset[str]]:
    """Return the events that triggers enter, by the table and by Django's model of it."""
    from django.apps import apps  # noqa: PLC0415 - after it was set up

    fields: dict[str, set[str]] = {}
    for path in HERE.rglob("sql/*.sql"):
        for table, event in re.findall(
            r"CREATE TRIGGER \w+\s+(?:AFTER|BEFORE) [\w ]+? ON (\w+)[^;]*?people_note\('(\w+)'\)", path.read_text()
        ):
            fields.setdefault(table, set()).add(LedgerEvent(event).name)
    models = {model._meta.db_table: model.__name__ for model in apps.get_models()}
    return {
        name: frozenset(events) for table, events in fields.items() for name in {table, models.get(table, table)}
    } | {
        "people_take_groups": frozenset({"ROLE_GIVEN", "ROLE_ENDED"}),
        "people_end_disabled": frozenset({"PERSON_REINSTATED"}),
    }


def views(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[tuple[str, str]]:
    """Yield each view's name among the addresses, and its function's full name."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            view = inspect.unwrap(pattern.callback)
            given = vars(inspect.getmodule(view))
            named = (name for name, each in given.items() if each is pattern.callback)
            name = view.__name__ if view.__name__ in given else next(named, view.__name__)
            yield str(pattern.name), f"{view.__module__}.{name}"


def test_every_view_makes_an_entry() -> None:
    silent, unknown = set(), set()
    for name, function in views(get_resolver().url_patterns):
        if not function.startswith("platepost.department."):
            unknown |= {name} - ALLAUTH.keys()
        elif not entered(function):
            silent.add(function.rpartition(".")[2])
    assert silent == VIEWS_WITHOUT.keys(), "a view enters something, or stands here with a reason"
    assert unknown == set()
    assert {event for fields in ALLAUTH.values() for event in fields.split()} <= LedgerEvent.__members__.keys()


def acts() -> Iterator[str]:
    """Yield the public functions of the rooms that change the database, themselves or by private ones."""
    for module, read in code().items():
        if module.split(".")[2] in ROOMS:
            for name in read.functions:
                if not name.startswith("_") and "._" not in name and changes_by_itself(f"{module}.{name}"):
                    yield f"{module}.{name}"


def changes_by_itself(name: str) -> bool:
    known = function_named(name)
    if known is None or isinstance(known[1], ast.ClassDef):
        return False
    seen, left = set(), [name]
    while left:
        each = left.pop()
        known = function_named(each)
        if known is not None and each not in seen:
            seen.add(each)
            left += (called for called in known[0].called(known[1]) if called.rpartition(".")[2].startswith("_"))
    return any(map(changes, seen))


def test_every_act_makes_an_entry() -> None:
    silent = {act for act in acts() if not entered(act)}
    assert silent == ACTS_WITHOUT.keys()


@pytest.mark.parametrize(
    ("act", "events"),
    [
        ("platepost.department.search.views.plate", {"INTENT", "REFUSED"}),
        ("platepost.department.audits.ledger.reviews", {"EXIGENT_REVIEWED"}),
        ("platepost.department.people.views.give_role", {"ROLE_GIVEN"}),
        ("platepost.department.people.services.disable", {"PERSON_DISABLED"}),
        ("platepost.department.people.authorization.authorization_of", set()),
    ],
)
def test_what_is_entered_is_found(act: str, events: set[str]) -> None:
    assert entered(act) >= events if events else not entered(act)

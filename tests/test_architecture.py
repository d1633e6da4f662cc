"""The rules of the house, read from the imports themselves."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PURE = ("services/norms", "services/conversation")
LIBRARY = "services/sessions"
DRIVERS = {
    "redis": f"{LIBRARY}/stores/redis/",
    "sqlalchemy": f"{LIBRARY}/stores/sql/",
    "sqlite3": f"{LIBRARY}/stores/sql/",
}
"""Which driver may be imported where."""
CONVERSATION = ("questions", "analysis", "interview", "understanding", "language")
"""The packages of the conversation, the highest first."""


def modules(folder: str) -> list[Path]:
    """Every module below a folder of the project."""
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} has no modules"
    return found


def imports(module: Path) -> set[str]:
    """The full names a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = module.relative_to(ROOT).parts[: -node.level] if node.level else ()
            source = ".".join((*start, *((node.module,) if node.module else ())))
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


def name_of(module: Path) -> str:
    """A module's full name; a package's is that of its folder."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def known_imports() -> dict[str, set[str]]:
    """Which modules of the project each of them imports."""
    found = {name_of(one): one for top in ("services", "routes") for one in modules(top)}
    graph: dict[str, set[str]] = {}
    for name, module in found.items():
        targets = {full if full in found else full.rpartition(".")[0] for full in imports(module)}
        graph[name] = targets & found.keys() - {name}
    return graph


def breaches(folder: str, *forbidden: str) -> list[str]:
    """Which modules of a folder import what they may not."""
    return [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(folder)
        for name in sorted(imports(module))
        if any(name == word or name.startswith(f"{word}.") for word in forbidden)
    ]


def test_imports_point_down_only() -> None:
    """Routes know services, services know no routes, and nobody below app.py knows app.py."""
    assert breaches("services", "routes", "app", "config", "wsgi", "tests", "benchmarks") == []
    assert breaches("routes", "app", "config", "wsgi", "tests", "benchmarks") == []


@pytest.mark.parametrize("folder", PURE)
def test_the_domain_is_pure(folder: str) -> None:
    """Norms and conversation know no web, no store and no session."""
    outside = ("flask", "werkzeug", "redis", "sqlalchemy", "msgspec", "marshmallow")
    assert breaches(folder, *outside, "services.sessions", "services.teaser_chat") == []


def test_norms_do_not_know_the_conversation() -> None:
    """The catalogue stands below what is said about it."""
    assert breaches("services/norms", "services.conversation") == []


def test_the_conversation_has_five_floors() -> None:
    """Each package of the conversation imports only those below it, so there is no cycle."""
    folder = ROOT / "services/conversation"
    assert {child.parent.name for child in folder.glob("*/__init__.py")} == set(CONVERSATION)
    assert [child.name for child in folder.glob("*.py")] == ["__init__.py"]
    for floor, package in enumerate(CONVERSATION):
        above = [f"services.conversation.{name}" for name in CONVERSATION[:floor]]
        assert breaches(f"services/conversation/{package}", *above) == []


def test_the_conversation_is_used_through_its_packages() -> None:
    """Views and use cases import what a package offers, never a module inside it."""
    inside = [
        f"services.conversation.{module.parent.name}.{module.stem}"
        for module in modules("services/conversation")
        if module.stem != "__init__"
    ]
    assert breaches("services/teaser_chat", *inside) == []
    assert breaches("routes", *inside) == []


def test_only_engines_import_drivers() -> None:
    """redis-py and SQLAlchemy stay behind the contract of the stores."""
    strangers = [
        breach
        for driver, package in DRIVERS.items()
        for folder in ("services", "routes")
        for breach in breaches(folder, driver)
        if not breach.startswith(package)
    ]
    assert strangers == []


def test_flask_is_known_to_the_adapters_only() -> None:
    """Everything else in services runs without a web framework."""
    found = breaches("services", "flask", "flask_session", "werkzeug")
    assert found != []
    assert all(breach.startswith(f"{LIBRARY}/flask/") for breach in found)


def test_the_library_knows_nothing_of_the_application() -> None:
    """It imports itself by relative names, so that it can be installed under another one."""
    outside = [
        f"{module.relative_to(ROOT)} imports {node.module}"
        for module in modules(LIBRARY)
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (not node.level and (node.module or "").startswith(("services", "routes")))
    ]
    assert outside == []
    above = [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(LIBRARY)
        for name in imports(module)
        if name.startswith("services.") and not name.startswith("services.sessions.")
    ]
    assert above == []


def test_no_two_modules_import_each_other() -> None:
    """There is an order in which they can be read; a package may import what is in it."""
    graph = known_imports()
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in graph[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_routes_reach_sessions_through_services_only() -> None:
    """No view touches a store or a document."""
    below = (
        "services.sessions.stores",
        "services.sessions.repository",
        "services.sessions.codec",
    )
    found = breaches("routes", *below)
    assert found == []


def test_only_the_settings_read_the_environment() -> None:
    """os.environ is read in config.py, by way of environs, and nowhere else."""
    readers = [
        str(module.relative_to(ROOT))
        for folder in ("services", "routes")
        for module in [*modules(folder), ROOT / "app.py", ROOT / "wsgi.py"]
        if {"os.environ", "os.getenv"} & imports(module)
        or "os.environ" in module.read_text(encoding="utf-8")
        or "os.getenv" in module.read_text(encoding="utf-8")
    ]
    assert readers == []


def test_every_module_says_what_it_is_for() -> None:
    """A first line in every module, also of tests and benchmarks."""
    silent = [
        str(module.relative_to(ROOT))
        for folder in ("services", "routes", "tests", "benchmarks", "deploy")
        for module in modules(folder)
        if not ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_the_page_builds_no_html_from_strings() -> None:
    """What a maker typed can only become text."""
    for script in (ROOT / "static").rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, f"{script.name} uses {word}"

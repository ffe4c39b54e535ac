"""The plan of the house, executed: who imports whom, how large things get, what never occurs."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import get_args

import pytest

from drivers import registry

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    ".ci", ".git", ".gitignore", "LICENSE", "Makefile", "README.md", "README.zh-CN.md",
    "config", "deploy", "docs", "drivers", "gateway", "pyproject.toml", "systemd", "tests",
}  # fmt: skip

BASE = {"drivers.base"}
LOWEST = {
    "gateway.errors", "gateway.log", "gateway.clock", "gateway.timefloor", "gateway.keys",
    "gateway.config",
}  # fmt: skip
WIRE = {
    "gateway.events",
    "gateway.statements",
    "gateway.clock",
    "gateway.config",
    "gateway.errors",
    "drivers.base",
}
PARTS = {
    "gateway.configfile", "gateway.recorder", "gateway.journal", "gateway.uplink",
    "gateway.fleet", "gateway.health", "gateway.control", "gateway.events",
    "gateway.picture", "gateway.box", "gateway.watch", "gateway.notify",
} | LOWEST  # fmt: skip

MAY_IMPORT: dict[str, set[str]] = {
    # room: the rooms below it that it may use
    "gateway.__main__": {"gateway.cli"},
    "gateway.manpage": {"gateway.cli"},
    "gateway.cli": {
        "gateway.app",
        "gateway.demo",
        "gateway.simulate",
        "gateway.inspect",
        "gateway.policyfile",
        "gateway.setup",
        "gateway.devices",
        "gateway.doctor",
        "gateway.aim",
        "gateway.asking",
        "gateway.watch",
        "gateway.centre",
        "gateway.centre_arguments",
        "gateway.stick",
        "gateway.issuing",
        "gateway.uplink",
        "gateway.configfile",
        "gateway.places",
        "gateway.restarts",
    }
    | LOWEST,
    "gateway.demo": {
        "gateway.app",
        "gateway.centre",
        "gateway.holders",
        "drivers",
        "drivers.emulators",
    }
    | BASE
    | PARTS,
    "gateway.holders": {"gateway.passes", "gateway.events"},
    "gateway.simulate": {
        "gateway.demo",
        "gateway.holders",
        "gateway.app",
        "gateway.centre",
        "gateway.checkpoint",
        "drivers.emulators",
    }
    | BASE
    | PARTS,
    "gateway.setup": {
        "gateway.devices",
        "gateway.places",
        "gateway.inspect",
        "gateway.uplink",
        "gateway.configfile",
        "gateway.config",
        "gateway.errors",
        "gateway.events",
        "drivers",
        "drivers.registry",
    }
    | BASE,
    "gateway.aim": {"drivers", "gateway.configfile", "gateway.errors", "gateway.web"} | BASE,
    "gateway.web": set(),
    "gateway.watch": {
        "gateway.web",
        "gateway.control",
        "gateway.places",
        "gateway.health",
        "gateway.config",
        "gateway.configfile",
        "gateway.errors",
        "gateway.clock",
        "gateway.output",
    }
    | BASE,
    "gateway.inspect": {
        "gateway.places",
        "gateway.journal",
        "gateway.configfile",
        "gateway.output",
        "gateway.ranges",
    }
    | LOWEST,
    "gateway.policyfile": {
        "gateway.checkpoint",
        "gateway.configfile",
        "gateway.conduct",
        "gateway.events",
        "gateway.inspect",
        "gateway.places",
    }
    | LOWEST,
    "gateway.doctor": {
        "drivers",
        "drivers.registry",
        "drivers.wire.names",
        "gateway.aim",
        "gateway.box",
        "gateway.configfile",
        "gateway.control",
        "gateway.devices",
        "gateway.findings",
        "gateway.health",
        "gateway.inspect",
        "gateway.journal",
        "gateway.places",
        "gateway.uplink",
    }
    | BASE
    | LOWEST,
    "gateway.stick": {
        "gateway.control",
        "gateway.centre",
        "gateway.centre_arguments",
        "gateway.inspect",
        "gateway.uplink",
        "gateway.journal",
        "gateway.configfile",
        "gateway.events",
        "gateway.output",
        "gateway.topics",
        "gateway.ranges",
        "gateway.seal",
    }
    | LOWEST,
    "gateway.devices": BASE | {"drivers.registry"},
    "gateway.app": BASE
    | PARTS
    | {
        "gateway.reload",
        "gateway.loglevel",
        "gateway.conduct",
        "gateway.pseudonyms",
        "gateway.checkpoint",
        "gateway.downward",
        "gateway.commands",
        "gateway.documents",
        "gateway.signing",
        "gateway.messages",
    },
    "gateway.downward": {
        "gateway.commands",
        "gateway.documents",
        "gateway.signing",
        "gateway.messages",
        "gateway.topics",
    }
    | WIRE,
    "gateway.documents": {
        "gateway.canonical",
        "gateway.control",
        "gateway.durably",
        "gateway.limits",
        "gateway.messages",
        "gateway.signing",
    }
    | WIRE,
    "gateway.limits": set(),
    "gateway.commands": {
        "gateway.canonical",
        "gateway.control",
        "gateway.limits",
        "gateway.messages",
        "gateway.signing",
        "gateway.topics",
    }
    | WIRE,
    "gateway.signing": {"gateway.canonical", "gateway.keys", "gateway.errors"},
    "gateway.canonical": set(),
    "gateway.messages": set(),
    "gateway.asking": {"gateway.control", "gateway.places", "gateway.config", "gateway.errors"},
    "gateway.loglevel": {"gateway.log", "gateway.control"},
    "gateway.reload": {"gateway.configfile", "gateway.control", "gateway.supervisor"} | WIRE,
    "gateway.centre": {
        "gateway.uplink",
        "gateway.canonical",
        "gateway.messages",
        "gateway.signing",
        "gateway.journal",
        "gateway.events",
        "gateway.output",
        "gateway.topics",
        "gateway.ranges",
        "gateway.seal",
    }
    | LOWEST,
    "gateway.centre_arguments": set(),
    "gateway.recorder": {"gateway.journal", "gateway.holding", "gateway.turns"} | WIRE,
    "gateway.holding": {"gateway.events"},
    "gateway.uplink": {
        "gateway.journal",
        "gateway.services",
        "gateway.topics",
        "gateway.ranges",
        "gateway.timefloor",
        "gateway.findings",
        "gateway.messages",
        "drivers.wire.names",
        "gateway.turns",
    }
    | WIRE,
    "gateway.journal": {"gateway.ranges"} | WIRE,
    "gateway.picture": {
        "gateway.journal",
        "gateway.uplink",
        "gateway.recorder",
        "gateway.supervisor",
        "gateway.health",
        "gateway.box",
        "gateway.topics",
    }
    | WIRE,
    "gateway.supervisor": {"gateway.glimpse"} | WIRE,
    "gateway.glimpse": BASE | {"gateway.clock"},
    "gateway.box": set(),
    "gateway.fleet": {"gateway.supervisor", "drivers.registry"} | WIRE,
    "gateway.health": BASE | {"gateway.clock", "gateway.control"},
    "gateway.control": {"gateway.errors"},
    "gateway.durably": set(),
    "gateway.conduct": {
        "gateway.checkpoint",
        "gateway.configfile",
        "gateway.documents",
        "gateway.durably",
        "gateway.fleet",
        "gateway.journal",
        "gateway.passes",
        "gateway.prompts",
        "gateway.pseudonyms",
        "gateway.resolving",
        "gateway.seal",
        "gateway.supervisor",
    }
    | WIRE,
    "gateway.prompts": {"gateway.checkpoint", "gateway.clock"} | BASE,
    "gateway.issuing": {
        "drivers",
        "gateway.clock",
        "gateway.durably",
        "gateway.errors",
        "gateway.events",
        "gateway.passes",
    },
    "gateway.passes": {"gateway.clock", "gateway.errors", "gateway.events"},
    "gateway.resolving": {"gateway.errors", "gateway.config"},
    "gateway.pseudonyms": {"gateway.clock", "gateway.events", "gateway.keys"},
    "gateway.checkpoint": BASE | {"gateway.clock", "gateway.events"},
    "gateway.events": BASE | {"gateway.clock"},
    "gateway.statements": BASE | {"gateway.clock"},
    "gateway.restarts": {"gateway.notify"},
    "gateway.notify": {"gateway.turns"},
    "gateway.turns": set(),
    "gateway.configfile": {
        "gateway.checkpoint",
        "gateway.config",
        "gateway.errors",
        "gateway.services",
        "gateway.topics",
        "drivers.base",
        "drivers.registry",
    },
    "gateway.topics": {"gateway.config", "gateway.events"},
    "gateway.services": {"gateway.config"},
    "gateway.output": {"gateway.errors", "gateway.ranges"},
    "gateway.ranges": set(),
    "gateway.findings": set(),
    "gateway.places": set(),
    "gateway.seal": {"gateway.errors", "gateway.keys"},
    "gateway.config": BASE | {"gateway.errors"},
    "gateway.keys": {"gateway.errors", "gateway.durably"},
    "gateway.clock": set(),
    "gateway.timefloor": {"gateway.clock"},
    "gateway.log": set(),
    "gateway.errors": set(),
    "gateway": set(),
    "drivers.emulators": set(),
    "drivers.registry": BASE,
    "drivers.base": {"drivers.counters"},
    "drivers.counters": set(),
    "drivers.wire": BASE | {"drivers.counters"},
    "drivers.wire.names": set(),
    "drivers.thermometry": BASE | {"drivers.counters", "drivers.wire"},
    "drivers.switching": BASE | {"drivers.counters"},
    # The families, and what only they need.
    "drivers": BASE
    | {"drivers.counters", "drivers.wire", "drivers.wire.names", "drivers.thermometry"}
    | {"drivers.switching"},
}

LONGEST_FUNCTION = 50
LONGEST_CLASS = 200
MOST_METHODS = 12
LONGEST_FILE = 400

MOCKING = {"mock", "unittest.mock", "pytest_mock", "freezegun", "responses", "aioresponses"}
LEFT_OUT = {"skip", "skipif", "xfail", "importorskip"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


PRODUCT = sources("gateway", "drivers")
TESTS = sources("tests")
MODULES = {module_name(path): path for path in PRODUCT}


def imported(path: Path) -> Iterator[str]:
    """The product's modules that ``path`` imports anywhere, be it inside a function."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{short(path)}:{node.lineno} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                target = inner if inner in MODULES else str(node.module)
                if target in MODULES:
                    yield target


def room(module: str) -> str:
    """The room that ``module`` is in: the longest name in the table that it begins with."""
    return max(
        (name for name in MAY_IMPORT if module == name or module.startswith(name + ".")), key=len
    )


def allowed(module: str, target: str) -> bool:
    here, there = room(module), room(target)
    return target in ("gateway", "drivers") or there == here or there in MAY_IMPORT[here]


@pytest.mark.parametrize("path", PRODUCT, ids=short)
def test_imports_point_down(path: Path) -> None:
    module = module_name(path)
    assert [target for target in imported(path) if not allowed(module, target)] == []


def test_every_room_is_in_the_table() -> None:
    at_home = {module for module in MODULES if room(module) == "gateway"}
    assert at_home == {"gateway"}


def test_the_table_itself_has_no_cycle() -> None:
    rooms = {name: below - {name} for name, below in MAY_IMPORT.items()}
    assert list(TopologicalSorter(rooms).static_order())


def test_no_import_cycle() -> None:
    graph = {name: set(imported(path)) - {name} for name, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())


def test_no_driver_imports_another() -> None:
    families = {f"drivers.{name}" for name in registry.names()}
    crossing = {name: families & (set(imported(MODULES[name])) - {name}) for name in families}
    assert {name: others for name, others in crossing.items() if others} == {}


def test_every_driver_answers_to_its_file_name() -> None:
    for name in registry.names():
        field = registry.load(name).config.model_fields["driver"]
        assert get_args(field.annotation) == (name,)


def nodes(paths: list[Path], *kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path in paths:
        for node in ast.walk(parsed(path)):
            if isinstance(node, kinds):
                yield f"{short(path)}:{getattr(node, 'lineno', 0)}", node


def length(node: ast.AST) -> int:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions_are_short() -> None:
    functions = nodes(PRODUCT, ast.FunctionDef, ast.AsyncFunctionDef)
    assert [at for at, node in functions if length(node) > LONGEST_FUNCTION] == []


def test_classes_are_small() -> None:
    assert [at for at, node in nodes(PRODUCT, ast.ClassDef) if length(node) > LONGEST_CLASS] == []


def test_classes_have_few_methods() -> None:
    def methods(node: ast.AST) -> int:
        assert isinstance(node, ast.ClassDef)
        return sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body)

    assert [at for at, node in nodes(PRODUCT, ast.ClassDef) if methods(node) > MOST_METHODS] == []


def test_files_are_short() -> None:
    lengths = {short(path): len(path.read_text().splitlines()) for path in PRODUCT}
    assert [path for path, lines in lengths.items() if lines > LONGEST_FILE] == []


def test_constructors_only_assign() -> None:
    def assigns(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Expr):
            text = ast.unparse(statement)
            return isinstance(statement.value, ast.Constant) or text.startswith("super().__init__")
        return isinstance(statement, ast.Assign | ast.AnnAssign)

    constructors = [
        (at, node)
        for at, node in nodes(PRODUCT, ast.FunctionDef)
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    assert constructors
    assert [at for at, node in constructors if not all(map(assigns, node.body))] == []


def names_everything(node: ast.expr | None) -> bool:
    """Whether an exception's type is so broad that it catches bugs."""
    if isinstance(node, ast.Tuple):
        return any(map(names_everything, node.elts))
    return node is None or (
        isinstance(node, ast.Name) and node.id in ("Exception", "BaseException")
    )


def test_bugs_are_contained_in_one_place() -> None:
    broad = [
        at.partition(":")[0]
        for at, node in nodes(PRODUCT, ast.ExceptHandler, ast.Call)
        if (isinstance(node, ast.ExceptHandler) and names_everything(node.type))
        or (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("suppress")
            and any(map(names_everything, node.args))
        )
    ]
    assert broad == ["gateway/supervisor.py"]


def test_only_the_screens_print() -> None:
    printing = {
        at.partition(":")[0]
        for at, node in nodes(PRODUCT, ast.Call)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    }
    screens = (
        "gateway/cli.py",
        "gateway/inspect/*",
        "gateway/policyfile/*",
        "gateway/asking/*",
        "gateway/issuing/*",
        "gateway/devices/*",
        "gateway/doctor/*",
        "gateway/setup/dialogue.py",
        "gateway/demo/*",
        "gateway/simulate/command.py",
        "gateway/centre*",
        "gateway/stick/*",
    )
    assert [path for path in printing if not any(fnmatch(path, each) for each in screens)] == []


def test_every_module_says_what_it_is_for() -> None:
    written = [path for path in PRODUCT + TESTS if path.read_text().strip()]
    assert [short(path) for path in written if not ast.get_docstring(parsed(path))] == []


def test_nothing_is_mocked() -> None:
    found = []
    for at, node in nodes(TESTS, ast.Import, ast.ImportFrom, ast.Attribute):
        match node:
            case ast.Import(names=names):
                found += [at for alias in names if alias.name in MOCKING]
            case ast.ImportFrom(module=module, names=names):
                members = {f"{module}.{alias.name}" for alias in names} | {module}
                found += [at] if members & MOCKING else []
            case ast.Attribute(value=ast.Name(id="monkeypatch"), attr="setattr" | "setitem"):
                found.append(at)
    assert found == []


def test_no_test_is_left_out_or_waits_blindly() -> None:
    found = []
    for at, node in nodes(TESTS, ast.Attribute):
        assert isinstance(node, ast.Attribute)
        owner = ast.unparse(node.value)
        if owner in ("pytest", "pytest.mark", "mark") and node.attr in LEFT_OUT:
            found.append(at)
        if owner == "time" and node.attr == "sleep":
            found.append(at)
    assert found == []


def test_nothing_lies_about_at_the_top() -> None:
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    there = {
        path.name
        for path in ROOT.iterdir()
        if not any(fnmatch(path.name, pattern) for pattern in ignored)
    }
    assert there - TOP_LEVEL == set()

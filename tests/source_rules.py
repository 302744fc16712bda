"""Rules on the shape of the source tree, as functions from parsed modules to violations.

They look at text only and import nothing of what they judge. Each violation is one line that
names the place and what to do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VAGUE_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "manager"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target: a module, or a name in one, by its full dotted path."""

    target: str
    line: int
    typing_only: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed source file; `name` is dotted, a package's `__init__` has the package's name."""

    name: str
    text: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def parent(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@cache
def _parsed(text: str) -> ast.Module:
    """Every rule looks at every module; none changes what it sees."""
    return ast.parse(text)


def read_modules(root: Path, packages: Iterable[str]) -> list[Module]:
    """Every source file of the packages below `root`, in the order of their paths."""
    found = []
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found.append(Module(name, path.read_text("utf-8"), is_package))
    return found


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """What the module imports, wherever in it, relative ones resolved."""
    guarded = {
        inner
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in _targets(module, statement)
    }
    return tuple(
        Import(target, line, typing_only=(target, line) in guarded)
        for target, line in _targets(module, module.tree)
    )


def _targets(module: Module, tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                kept = module.parent.split(".")[: -(node.level - 1) or None]
                base = ".".join([*kept, base] if base else kept)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def within(target: str, name: str) -> bool:
    """Whether `target` is `name` or lies in it."""
    return target == name or target.startswith(f"{name}.")


def forbidden_imports(
    modules: Iterable[Module], forbidden: Mapping[str, Sequence[str]]
) -> list[str]:
    """Imports that a package's place in the house does not allow."""
    return [
        f"{module.name}:{found.line} imports {found.target}, which {package} must not know"
        for package, names in forbidden.items()
        for module in modules
        if within(module.name, package)
        for found in imports(module)
        if any(within(found.target, name) for name in names)
    ]


def sibling_imports(
    modules: Sequence[Module], program: str, *, contracts: Sequence[str], composers: Sequence[str]
) -> list[str]:
    """Imports between a program's sub-packages outside `composers`; `contracts` are for all."""
    packages = {m.name for m in modules if m.is_package and m.name.count(".") == 1}
    siblings = {name for name in packages if within(name, program)}
    wrong = []
    for module in modules:
        if not within(module.name, program) or module.name in composers:
            continue
        for found in imports(module):
            crossed = next((s for s in siblings if within(found.target, s)), None)
            if crossed is None or within(module.name, crossed):
                continue
            if not any(within(found.target, contract) for contract in contracts):
                wrong.append(
                    f"{module.name}:{found.line} imports {found.target}; siblings meet only in "
                    f"{composers[0]}: take it as a constructor argument behind a Protocol"
                )
    return wrong


def composer_imports(modules: Iterable[Module], composers: Sequence[str]) -> list[str]:
    """Imports of a composition root by anything but another one: it is the end of the line."""
    return [
        f"{module.name}:{found.line} imports {found.target}; nothing depends on a composition root"
        for module in modules
        if module.name not in composers
        for found in imports(module)
        if any(within(found.target, composer) for composer in composers)
    ]


def import_cycles(modules: Sequence[Module]) -> list[str]:
    """Modules that reach themselves through imports that run (those for types alone do not)."""
    names = {module.name for module in modules}
    edges = {module.name: _imported_modules(module, names) for module in modules}
    cycles: set[tuple[str, ...]] = set()
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            ring = path[path.index(name) :]
            start = ring.index(min(ring))
            cycles.add(ring[start:] + ring[:start])
        elif name not in done:
            for following in sorted(edges[name]):
                visit(following, (*path, name))
            done.add(name)

    for name in sorted(names):
        visit(name, ())
    return [f"import cycle: {' -> '.join([*ring, ring[0]])}" for ring in sorted(cycles)]


def _imported_modules(module: Module, names: set[str]) -> set[str]:
    found = set()
    for target in (item.target for item in imports(module) if not item.typing_only):
        owner = target if target in names else target.rpartition(".")[0]
        if owner in names and owner != module.name:
            found.add(owner)
    return found


def missing_docstrings(modules: Iterable[Module]) -> list[str]:
    """Modules that do not say what they own."""
    return [
        f"{module.name} has no docstring; its first line says what the module owns"
        for module in modules
        if not (ast.get_docstring(module.tree) or "").strip()
    ]


def too_long(modules: Iterable[Module], *, limit_lines: int) -> list[str]:
    """Modules past the limit."""
    lengths = ((module.name, len(module.text.splitlines())) for module in modules)
    return [
        f"{name} has {length} lines, {limit_lines} are allowed; split it by concept"
        for name, length in lengths
        if length > limit_lines
    ]


def vague_names(modules: Iterable[Module]) -> list[str]:
    """Modules whose name says nothing, or carries its history."""
    return [
        f"{module.name}: name the concept that it holds"
        for module in modules
        for part in module.name.split(".")[-1:]
        if part in VAGUE_NAMES or part.startswith("enhanced_") or part.endswith("_v2")
    ]


def environment_reads(modules: Iterable[Module], *, allowed: Sequence[str]) -> list[str]:
    """Uses of the process's environment outside the modules that build the settings."""
    forms = ("environ", "environb", "getenv", "getenvb", "putenv")
    wrong = []
    for module in modules:
        if module.name in allowed:
            continue
        lines = {
            node.lineno
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute)
            and node.attr in forms
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        }
        lines |= {i.line for i in imports(module) if i.target in {f"os.{form}" for form in forms}}
        wrong += [
            f"{module.name}:{line} touches the environment; take a setting as an argument"
            for line in sorted(lines)
        ]
    return wrong


def raised_in_groups(modules: Iterable[Module]) -> list[str]:
    """Errors raised inside `except*`: Python 3.11.2, of Debian 12, makes a group of the one error,
    which no `except` around it catches."""
    return [
        f"{module.name}:{node.lineno} raises inside except*: keep the error and raise it after"
        for module in modules
        for caught in ast.walk(module.tree)
        if isinstance(caught, ast.TryStar)
        for handler in caught.handlers
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise) and node.exc is not None
    ]

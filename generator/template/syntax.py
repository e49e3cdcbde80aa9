"""The Jinja of a template as plain data, which a page evaluates without Jinja.

Jinja itself parses the text. Each node of its tree becomes a list that begins with the node's kind;
text stays text. A construct that the page does not know is a CommandError here, never a wrong
result there.
"""

from collections.abc import Iterator, Mapping

from jinja2 import Environment, TemplateSyntaxError, nodes

from generator.errors import CommandError
from generator.template.options import Value

# The result of a filter that is random, and of operators on it.
RANDOM = "<random>"

FILTERS = frozenset(
    {"d", "default", "join", "length", "list", "lower", "regex_replace", "regex_search", "replace"}
    | {"string", "to_json", "to_nice_yaml", "trim", "unique", "upper"}
)
METHODS = frozenset({"count", "lower", "maketrans", "translate", "upper"})
TESTS = frozenset({"defined", "iterable", "mapping", "string", "undefined"})
_RANDOM_FILTERS = frozenset({"ans_random", "random"})
_SETTINGS = ("trim_blocks", "lstrip_blocks")


class UnknownSyntaxError(CommandError):
    """A template has Jinja that the page cannot evaluate."""


class Encoder:
    """Encodes the texts of one template. `settings` is its `_envops`."""

    def __init__(self, settings: Mapping[str, Value]) -> None:
        self.settings = tuple(bool(settings.get(name)) for name in _SETTINGS)
        trim_blocks, lstrip_blocks = self.settings
        self._environment = Environment(  # noqa: S701 - only parses
            trim_blocks=trim_blocks, lstrip_blocks=lstrip_blocks, keep_trailing_newline=True
        )

    def encode(self, text: str, place: str) -> list[Value]:
        """Return the nodes of a text; `place` names it in errors."""
        try:
            tree = self._environment.parse(text)
            return list(_encode_body(tree.body))
        except (UnknownSyntaxError, TemplateSyntaxError) as error:
            raise UnknownSyntaxError(f"{place}: {error}") from error


def _encode_body(body: list[nodes.Node]) -> Iterator[Value]:
    for node in body:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    yield part.data if isinstance(part, nodes.TemplateData) else _encode(part)
            case nodes.If():
                branches: list[Value] = [
                    [_encode(branch.test), list(_encode_body(branch.body))]
                    for branch in (node, *node.elif_)
                ]
                yield ["if", branches, list(_encode_body(node.else_))]
            case nodes.For():
                yield [
                    "for",
                    _name_of(node.target),
                    _encode(node.iter),
                    _encode(node.test) if node.test else None,
                    list(_encode_body(node.body)),
                    list(_encode_body(node.else_)),
                ]
            case nodes.Assign():
                yield ["set", _names_of(node.target), _encode(node.node)]
            case _:
                raise _unknown(type(node).__name__)


def _encode(node: nodes.Node) -> Value:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of node
    if not isinstance(node, nodes.CondExpr | nodes.Concat) and _is_random(node):
        return ["const", RANDOM]
    match node:
        case nodes.Const(value=value):
            return ["const", value]
        case nodes.Name(name=name):
            return ["name", name]
        case nodes.List(items=items) | nodes.Tuple(items=items):
            return ["list", [_encode(item) for item in items]]
        case nodes.Dict(items=pairs):
            return ["dict", [[_encode(pair.key), _encode(pair.value)] for pair in pairs]]
        case nodes.CondExpr(test=test, expr1=first, expr2=second):
            otherwise = _encode(second) if second else None
            return ["choose", _encode(test), _encode(first), otherwise]
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            return [type(node).__name__.lower(), _encode(left), _encode(right)]
        case nodes.Not(node=operand):
            return ["not", _encode(operand)]
        case nodes.Concat(nodes=parts):
            return ["concat", [_encode(part) for part in parts]]
        case nodes.Compare(expr=left, ops=operands):
            return ["compare", _encode(left), [[item.op, _encode(item.expr)] for item in operands]]
        case nodes.Getattr(node=owner, attr=name):
            return ["item", _encode(owner), ["const", name]]
        case nodes.Getitem(node=owner, arg=key):
            return ["item", _encode(owner), _encode(key)]
        case nodes.Filter(node=operand, name=name) if name in FILTERS and operand:
            return ["filter", name, _encode(operand), *_encode_arguments(node)]
        case nodes.Test(node=operand, name=name) if name in TESTS:
            return ["test", name, _encode(operand)]
        case nodes.Call(node=nodes.Getattr(node=owner, attr=name)) if name in METHODS:
            return ["call", name, _encode(owner), *_encode_arguments(node)]
    raise _unknown(f"{type(node).__name__} {getattr(node, 'name', '')}".strip())


def _encode_arguments(node: nodes.Filter | nodes.Call) -> tuple[Value, Value]:
    """Return the positional arguments, and those with names."""
    if node.dyn_args or node.dyn_kwargs:
        raise _unknown("argument with a star")
    return (
        [_encode(argument) for argument in node.args],
        [[str(pair.key), _encode(pair.value)] for pair in node.kwargs],
    )


def _is_random(node: nodes.Node) -> bool:
    found = node.find_all(nodes.Filter)
    own = isinstance(node, nodes.Filter) and node.name in _RANDOM_FILTERS
    return own or any(item.name in _RANDOM_FILTERS for item in found)


def _names_of(target: nodes.Node) -> list[Value]:
    """Return the names that are assigned, or the one name."""
    if isinstance(target, nodes.Tuple):
        return [_name_of(item) for item in target.items]
    return [_name_of(target)]


def _name_of(target: nodes.Node) -> str:
    if isinstance(target, nodes.Name):
        return str(target.name)
    raise _unknown(f"target {type(target).__name__}")


def _unknown(construct: str) -> UnknownSyntaxError:
    return UnknownSyntaxError(f"the explorer does not know the Jinja construct {construct!r}")

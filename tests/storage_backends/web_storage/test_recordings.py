"""What Chromium, Firefox and WebKit did, recorded: every localStorage sequence gives the recorded results.

JavaScript's property access maps to the mapping protocol, its conversions of arguments to strings are done here (Python
raises TypeError instead). ``not_in_python.json`` lists, with the reason, the operations that Python has no notion of;
each of them is checked to be one that indeed comes out differently or not at all, so that the list can only shrink.
"""

import json
import math
import re
from functools import lru_cache
from pathlib import Path

import pytest

from tfjsd.errors import DOMError
from tfjsd.model_io.ecma_json import number_to_string
from tfjsd.storage_backends.browsers import browser_named
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.backend import AreaBackend
from tfjsd.storage_backends.web_storage.session_area import SessionArea
from tfjsd.storage_backends.web_storage.storage import Storage
from tfjsd.storage_backends.web_storage.storage_area import StorageArea
from tfjsd.storage_backends.web_storage.storage_event import StorageEvent

CORPUS = Path(__file__).parents[2] / "corpus"
ENGINES = {"chromium": "chrome", "firefox": "firefox", "webkit": "safari"}
URL = "/agent.html"


RULES = json.loads(Path(__file__).with_name("not_in_python.json").read_text())["rules"]


def sequences():
    for path in sorted(CORPUS.glob("localstorage_*.json")):
        yield from json.loads(path.read_text())["sequences"]


def recorded(sequence, engine):
    return sequence["results"].get("all") or sequence["results"].get(engine)


CASES = [(sequence, engine) for sequence in sequences() for engine in ENGINES if recorded(sequence, engine) is not None]


def names(cases):
    return [f"{sequence['id']}-{engine}" for sequence, engine in cases]


# -- JavaScript's side -------------------------------------------------------------------------------------------------


class JSThrow(Exception):
    """What the conversion of an argument threw."""


def text_of(spec):
    """The string that WebIDL converts an argument of the recordings' form to."""
    match spec:
        case str():
            return spec
        case {"repeat": [text, count]}:
            return text * count
        case {"concat": parts}:
            return "".join(map(text_of, parts))
        case {"$obj": text}:
            return text
        case {"$bigint": digits}:
            return digits
        case {"$num": name}:
            return "0" if name == "-0" else name
        case {"$undefined": _}:
            return "undefined"
        case {"$func": _}:
            return "function f(){}"
        case {"$throwing": _}:
            raise JSThrow({"name": "RangeError", "ctor": "RangeError", "message": "toString threw"})
        case {"$symbol": _}:
            raise TypeError("a Symbol has no string form")
        case dict():
            return "[object Object]"
        case list():
            return ",".join("" if item is None else text_of(item) for item in spec)
        case None:
            return "null"
        case bool():
            return "true" if spec else "false"
        case _:
            return number_to_string(float(spec))


def number_of(spec):
    """ToNumber of an argument."""
    match spec:
        case None | False | "" | []:
            return 0
        case bool() | int() | float():
            return spec
        case {"$num": "NaN"} | {"$undefined": _}:
            return math.nan
        case {"$num": name}:
            return -0.0 if name == "-0" else float(name.replace("Infinity", "inf"))
        case {"$bigint": _} | {"$symbol": _}:
            raise TypeError("no number")
        case _:
            text = text_of(spec).strip()
            if re.fullmatch("0[xX][0-9a-fA-F]+", text):
                return int(text, 16)
            numeral = re.fullmatch(r"[+-]?(Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)|", text, re.ASCII)
            return float(text or 0) if numeral else math.nan


@lru_cache(maxsize=64)
def fnv1a(text):
    code = 0x811C9DC5
    for byte in text.encode("utf-16-le", "surrogatepass"):
        code = (code ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{code:08x}"


def code_units(text):
    return len(text) + len(re.findall("[\U00010000-\U0010ffff]", text))


def shown(value):
    """A result in the recordings' form."""
    match value:
        case str() if code_units(value) > 200:
            units = value.encode("utf-16-le", "surrogatepass")
            ends = [units[:16].decode("utf-16-le", "surrogatepass"), units[-16:].decode("utf-16-le", "surrogatepass")]
            return {"$long": {"len": len(units) // 2, "fnv": fnv1a(value), "head": ends[0], "tail": ends[1]}}
        case list() | tuple():
            return [shown(item) for item in value]
        case dict():
            return {key: shown(item) for key, item in value.items()}
        case _:
            return value


# -- Python's side -----------------------------------------------------------------------------------------------------


class Page:
    """A page of the recordings: a client of the area, and the events that it was sent."""

    def __init__(self, area):
        self.backend = AreaBackend(area, url=URL, durability="relaxed")
        self.storage = Storage(self.backend)
        self.area = area
        self.events: list[StorageEvent] = []
        self.backend.subscribe(self.events.append)

    def perform(self, operation):
        """Carries one recorded operation out as a Python program would."""
        method = getattr(self, f"do_{operation['op']}", None)
        if method is None:
            raise NotImplementedError(operation["op"])
        arguments = operation.get("args")
        if arguments is None:
            arguments = [operation[name] for name in ("key", "value", "index") if name in operation]
        return method(operation, *arguments)

    def do_set(self, _, *arguments):
        self.storage.set_item(*map(text_of, arguments[:2]))
        return "ok"

    def do_get(self, _, *arguments):
        return self.storage.get_item(*map(text_of, arguments[:1]))

    def do_remove(self, _, *arguments):
        self.storage.remove_item(*map(text_of, arguments[:1]))
        return "ok"

    def do_clear(self, _, *_rest):
        self.storage.clear()
        return "ok"

    def do_length(self, _):
        return self.storage.length

    def do_key(self, _, *arguments):
        return self.storage.key(*map(number_of, arguments[:1]))

    def do_keys(self, _):
        return [self.storage.key(index) for index in range(self.storage.length)]

    def do_dump(self, _):
        return sorted(map(list, self.storage.items()), key=lambda item: item[0].encode("utf-16-be", "surrogatepass"))

    def do_units(self, _):
        return sum(code_units(text) for item in self.storage.items() for text in item)

    def do_setProp(self, _, key, value):
        self.storage[text_of(key)] = text_of(value)
        return "ok"

    def do_reflectSet(self, operation, key, value):
        self.do_setProp(operation, key, value)
        return True

    def do_getProp(self, _, key):
        try:
            return self.storage[text_of(key)]
        except KeyError:
            return {"$undefined": True}

    def do_delProp(self, _, key):
        self.storage.pop(text_of(key), None)
        return True

    def do_hasProp(self, _, key):
        return text_of(key) in self.storage

    def do_hasOwn(self, operation, key):
        return self.do_hasProp(operation, key)

    def do_ownKeys(self, _):
        return list(self.storage)

    def do_reflectOwnKeys(self, operation):
        return self.do_ownKeys(operation)

    def do_entries(self, _):
        return [list(item) for item in self.storage.items()]

    def do_json(self, _):
        return dict(self.storage)

    do_spread = do_json

    def do_assign(self, operation):
        for key, value in operation["object"].items():
            self.storage[key] = text_of(value)
        return "ok"

    def do_defineProp(self, operation, key):
        self.storage[text_of(key)] = text_of(operation["descriptor"].get("value", {"$undefined": True}))
        return "ok"

    def do_reflectDefine(self, operation, key):
        self.do_defineProp(operation, key)
        return True

    def do_reload(self, _):
        self.area.end_task()
        return "ok"

    def do_events(self, _):
        found, self.events[:] = self.events.copy(), []
        return [
            {
                "key": event.key,
                "oldValue": event.old_value,
                "newValue": event.new_value,
                "url": event.url,
                "storageArea": event.storage_area,
            }
            for event in found
        ]


def type_error(message):
    return {"$throw": {"name": "TypeError", "ctor": "TypeError", "message": message}}


def is_same(found, expected):
    """A TypeError is compared by its class: for a missing or wrong argument the text is Python's."""
    return found == expected or all(
        isinstance(result, dict)
        and result.get("$throw", {}).get("ctor") == "TypeError"
        and result == type_error(result["$throw"]["message"])
        for result in (found, expected)
    )


def result_of(page, operation):
    try:
        return shown(page.perform(operation))
    except DOMError as error:
        return {"$throw": shown(error.as_dom())}
    except JSThrow as error:
        return {"$throw": error.args[0]}
    except TypeError as error:
        return type_error(str(error))
    except NotImplementedError:
        return {"no": "such operation"}


# -- What Python has no notion of --------------------------------------------------------------------------------------

PROTOTYPE = {
    *("length", "key", "getItem", "setItem", "removeItem", "clear", "constructor", "toString", "toLocaleString"),
    *("valueOf", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "__proto__", "__defineGetter__"),
    *("__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
}
METHODS = {
    "set": {"setItem"},
    "get": {"getItem"},
    "remove": {"removeItem"},
    "clear": {"clear"},
    "key": {"key"},
    "keys": {"key"},
    "dump": {"key", "getItem"},
    "units": {"key", "getItem"},
}


def is_prototype_name(operation):
    key = operation.get("key")
    return isinstance(key, str) and key in PROTOTYPE


def hidden_names(sequence, number):
    """Chromium: names on the prototype that were assigned hide what they name, until they are deleted or a reload."""
    hidden = set()
    for operation in sequence["ops"][:number]:
        if operation["op"] in ("setProp", "reflectSet") and is_prototype_name(operation):
            hidden.add(operation["key"])
        elif operation["op"] == "delProp":
            hidden.discard(operation["key"])
        elif operation["op"] == "reload":
            hidden.clear()
    return hidden


def arguments_of(operation):
    return operation.get("args", [operation.get(name) for name in ("key", "value", "index") if name in operation])


def is_symbol(operation):
    return any(isinstance(argument, dict) and "$symbol" in argument for argument in arguments_of(operation))


CONDITIONS = {
    "always": lambda sequence, engine, number: True,
    "key is a symbol": lambda sequence, engine, number: is_symbol(sequence["ops"][number]),
    "name without setter": lambda sequence, engine, number: (
        sequence["ops"][number].get("key") in ("length", "__proto__")
    ),
    "name on the prototype": lambda sequence, engine, number: is_prototype_name(sequence["ops"][number]),
    "name on the prototype used before": lambda sequence, engine, number: any(
        map(is_prototype_name, sequence["ops"][:number])
    ),
    "method hidden": lambda sequence, engine, number: bool(
        METHODS.get(sequence["ops"][number]["op"], set()) & hidden_names(sequence, number)
    ),
}


def exclusion(sequence, engine, number):
    """The rule that says why Python has no such operation; None where it has."""
    for rule in RULES:
        applies = sequence["ops"][number]["op"] in rule["ops"] and engine in rule.get("engines", ENGINES)
        if applies and CONDITIONS[rule["when"]](sequence, engine, number):
            return rule
    return None


def new_pages(area):
    return {"A": Page(area), "B": Page(area)}


def page_of(pages, operation):
    return pages[operation.get("page", "A")]


def new_area(home, engine):
    return StorageArea(home.bucket("http://localhost"), browser_named(ENGINES[engine]))


@pytest.fixture
def home():
    with Home(None, engines=memory_engine) as home:
        yield home


@pytest.mark.parametrize(("sequence", "engine"), CASES, ids=names(CASES))
def test_a_recorded_sequence_gives_the_recorded_results(home, sequence, engine):
    pages = new_pages(new_area(home, engine))
    for number, (operation, expected) in enumerate(zip(sequence["ops"], recorded(sequence, engine), strict=True)):
        if exclusion(sequence, engine, number) is None:
            found = result_of(page_of(pages, operation), operation)
            assert is_same(found, expected), (number, operation, found)


SESSION = [case for case in CASES if not {"events", "reload"} & {o["op"] for o in case[0]["ops"]}]


@pytest.mark.parametrize(("sequence", "engine"), SESSION, ids=names(SESSION))
def test_session_storage_gives_the_same_results(sequence, engine):
    pages = new_pages(SessionArea(browser_named(ENGINES[engine])))
    for number, (operation, expected) in enumerate(zip(sequence["ops"], recorded(sequence, engine), strict=True)):
        if exclusion(sequence, engine, number) is None:
            found = result_of(page_of(pages, operation), operation)
            assert is_same(found, expected), (number, operation, found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["reason"][:40])
def test_what_is_left_out_really_differs_in_python(rule):
    """Performed all the same, every rule has a sequence that goes on otherwise than in the browser."""
    covered, different = different_results(rule)
    assert not covered or different


def test_the_list_of_what_is_left_out_only_shrinks():
    assert len(RULES) <= 7
    assert all(rule["reason"] and rule["ops"] for rule in RULES)


def different_results(rule):
    seen = different = 0
    for sequence, engine in CASES:
        covered = [n for n in range(len(sequence["ops"])) if exclusion(sequence, engine, n) is rule]
        if covered:
            with Home(None, engines=memory_engine) as home:
                pages = new_pages(new_area(home, engine))
                found = [result_of(page_of(pages, operation), operation) for operation in sequence["ops"]]
            pairs = list(zip(found, recorded(sequence, engine), strict=True))[covered[0] :]
            seen += 1
            different += not all(is_same(*pair) for pair in pairs)
    return seen, different

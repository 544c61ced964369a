"""Plays a recorded sequence on an IDBFactory and gives the results in the corpus's form."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import cmp_to_key, partial
from typing import Any

from tfjsd.errors import DOMError
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.idb_object_store import IDBObjectStore
from tfjsd.storage_backends.indexed_db.idb_request import IDBRequest
from tfjsd.storage_backends.indexed_db.key_range_words import fall_silent, speak_as
from tfjsd.storage_backends.script_types import UNDEFINED

from .typed_json import NULL, NotExpressible, to_json, to_python

SKIP = "skip"


def error_json(problem: BaseException | None) -> Any:
    if problem is None:
        return None
    if isinstance(problem, DOMError):
        return {"name": problem.name, "message": problem.message, "code": problem.code}
    if isinstance(problem, NotExpressible):
        raise problem
    return {"name": type(problem).__name__, "message": str(problem), "ctor": type(problem).__name__}


def outcome(call: Callable[[], Any]) -> Any:
    """``{"ok": …}`` or ``{"throw": …}`` of a call that makes no request."""
    try:
        return {"ok": call()}
    except (DOMError, TypeError) as problem:
        return {"throw": error_json(problem)}


def js_number(value: Any) -> Any:
    """https://tc39.es/ecma262/#sec-tonumber, for what the corpus passes."""
    if value is None:
        return 0
    if value is UNDEFINED or isinstance(value, dict):
        return math.nan
    if isinstance(value, list):
        return js_number(js_string(value))
    if isinstance(value, str):
        try:
            return float(value) if value.strip() else 0
        except ValueError:
            return math.nan
    return int(value) if isinstance(value, bool) else value


def js_string(value: Any) -> str:
    if value is None:
        return "null"
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ",".join("" if item is None else js_string(item) for item in value)
    return value if isinstance(value, str) else str(value)


def js_key_path(value: Any) -> Any:
    return [js_string(item) for item in value] if isinstance(value, list) else js_string(value)


def range_of(spec: dict[str, Any]) -> IDBKeyRange:
    if "only" in spec:
        return IDBKeyRange.only(to_python(spec["only"]))
    if "bound" in spec:
        lower, upper, *opened = spec["bound"]
        return IDBKeyRange.bound(to_python(lower), to_python(upper), *map(bool, opened))
    if "lower" in spec:
        return IDBKeyRange.lower_bound(to_python(spec["lower"]), bool(spec.get("open")))
    return IDBKeyRange.upper_bound(to_python(spec["upper"]), bool(spec.get("open")))


def store_info(store: Any) -> Any:
    return {
        "name": store.name,
        "keyPath": store.key_path,
        "autoIncrement": store.auto_increment,
        "indexNames": store.index_names,
    }


def index_info(index: Any) -> Any:
    return {
        "name": index.name,
        "keyPath": index.key_path,
        "unique": index.unique,
        "multiEntry": index.multi_entry,
    }


def tx_info(tx: Any) -> Any:
    return {
        "mode": tx.mode,
        "objectStoreNames": tx.object_store_names,
        "durability": tx.durability,
        "error": error_json(tx.error),
    }


def db_info(db: Any) -> Any:
    return {"name": db.name, "version": db.version, "stores": db.object_store_names}


class Thrown(Exception):
    """What the op ``throw`` throws."""


class Player:
    """One sequence."""

    def __init__(self, factory: IDBFactory) -> None:
        self.factory = factory
        self.browser = factory._says.browser
        self.connections: dict[str, Any] = {}
        self.logs: dict[str, list[str]] = {}
        self.waiting: dict[str, tuple[asyncio.Task[Any], list[str]]] = {}

    async def play(self, steps: list[dict[str, Any]]) -> list[Any]:
        results = []
        speak_as(self.browser, self)
        try:
            for step in steps:
                result = await asyncio.wait_for(self.step(step), 20)
                results.append(result)
        finally:
            fall_silent(self)
            for task, _ in self.waiting.values():
                task.cancel()
            for connection in self.connections.values():
                connection.close()
        return results

    async def step(self, step: dict[str, Any]) -> Any:
        kind = step["do"]
        if kind in ("open", "delete") and step.get("nowait"):
            events: list[str] = []
            run = self.do_open if kind == "open" else self.do_delete
            task = asyncio.ensure_future(run(step, events))
            self.waiting[step.get("as", "c")] = (task, events)
            for _ in range(20):
                await asyncio.sleep(0)
            return "started"
        return await getattr(self, f"do_{kind}")(step)

    # -- Databases --

    async def do_open(self, step: dict[str, Any], events: list[str] | None = None) -> Any:
        name = step.get("as", "c")
        events = [] if events is None else events
        result: dict[str, Any] = {"events": events}
        seen: dict[str, Any] = {}
        log = self.logs.setdefault(name, [])

        async def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
            seen["tx"], seen["db"] = tx, db
            events.append(f"upgradeneeded {old}->{new}")
            tx.add_done_callback(lambda tx: events.append("tx abort" if tx.abort_reason else "tx complete"))
            results: list[Any] = []
            result["upgrade"] = results
            ops = step.get("upgrade", [])
            try:
                await Ops(self, db, tx, results).run(ops)
            except Thrown:
                if not any(
                    isinstance(item, dict) and "op" in op and op["op"] in REQUESTS
                    for item, op in zip(results, ops, strict=False)
                ):
                    result["upgrade"] = [SKIP] * len(ops)
                    result["upgradeThrew"] = True
                raise

        def changing(event: Any) -> None:
            log.append(f"versionchange {event.old_version}->{js_string(event.new_version)}")
            if step.get("onversionchange", "close") == "close":
                event.target.close()

        def blocked(event: Any) -> None:
            events.append(f"blocked {event.old_version}->{js_string(event.new_version)}")

        version = to_python(step["version"]) if "version" in step else UNDEFINED
        wanted = None if version is UNDEFINED else js_number(version)
        try:
            request = self.factory.open(step["db"], wanted, upgrade=upgrade, blocked=blocked, versionchange=changing)
        except (DOMError, TypeError) as problem:
            return {"throw": error_json(problem)}
        try:
            db = await request
        except DOMError as problem:
            events.append("error")
            if "tx" in seen:
                if seen["tx"].abort_reason is not None:
                    result["txError"] = error_json(seen["tx"].error)
                result["dbAfterError"] = {"version": seen["db"].version, "stores": seen["db"].object_store_names}
            return {**result, "error": error_json(problem)}
        events.append("success")
        self.connections[name] = db
        return {**result, "version": db.version, "stores": db.object_store_names}

    async def do_delete(self, step: dict[str, Any], events: list[str] | None = None) -> Any:
        events = [] if events is None else events
        request = self.factory.delete_database(
            step["db"],
            blocked=lambda event: events.append(f"blocked {event.old_version}->{js_string(event.new_version)}"),
        )
        result = await request
        events.append("success")
        return {"events": events, "oldVersion": request.old_version, "newVersion": None, "result": to_json(result)}

    async def do_wait(self, step: dict[str, Any]) -> Any:
        task, _ = self.waiting.pop(step.get("as", "c"))
        return await task

    async def do_events(self, step: dict[str, Any]) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return list(self.waiting[step.get("as", "c")][1])

    async def do_close(self, step: dict[str, Any]) -> Any:
        self.connection(step).close()
        return "ok"

    async def do_info(self, step: dict[str, Any]) -> Any:
        if step.get("as", "c") not in self.connections:
            return {"throw": {"name": "TypeError"}}
        return db_info(self.connection(step))

    async def do_connlog(self, step: dict[str, Any]) -> Any:
        return self.logs.get(step.get("as", "c"), [])

    async def do_databases(self, _step: dict[str, Any]) -> Any:
        found = await self.factory.databases()
        return sorted(
            [[name, version] for name, version in found], key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass")
        )

    async def do_afterClose(self, step: dict[str, Any]) -> Any:
        db = self.connection(step)
        db.close()
        return outcome(lambda: db.transaction(step["stores"], step.get("mode", "readonly")) and "ok")

    async def do_dbOp(self, step: dict[str, Any]) -> Any:
        db = self.connection(step)
        if step["op"] == "createStore":
            return outcome(lambda: db.create_object_store(step["name"]) and "ok")
        return outcome(lambda: db.delete_object_store(step["name"]) or "ok")

    async def do_dump(self, step: dict[str, Any]) -> Any:
        if step["db"] not in [name for name, _ in await self.factory.databases()]:
            return {"missing": True}
        db = await self.factory.open(step["db"])
        try:
            return {"version": db.version, "stores": await _dump_stores(db)}
        finally:
            db.close()

    # -- Keys --

    async def do_cmp(self, step: dict[str, Any]) -> Any:
        return outcome(lambda: self.factory.cmp(to_python(step["a"]), to_python(step["b"])))

    async def do_sort(self, step: dict[str, Any]) -> Any:
        keys: Any = [to_python(key) for key in step["keys"]]
        by_key = cmp_to_key(lambda one, other: self.factory.cmp(keys[one], keys[other]))
        order: list[int] = sorted(range(len(keys)), key=by_key)
        return {"ok": order}

    async def do_range(self, step: dict[str, Any]) -> Any:
        try:
            made = range_of(step["range"])
        except DOMError as problem:
            return {"throw": error_json(problem)}
        result: dict[str, Any] = {
            "ok": {
                "lower": to_json(made.lower),
                "upper": to_json(made.upper),
                "lowerOpen": made.lower_open,
                "upperOpen": made.upper_open,
            }
        }
        if "includes" in step:
            tried = [outcome(partial(made.includes, to_python(key))) for key in step["includes"]]
            result["includes"] = [item.get("ok", item) for item in tried]
        return result

    # -- Transactions --

    def connection(self, step: dict[str, Any]) -> Any:
        return self.connections[step.get("as", "c")]

    def begin(self, step: dict[str, Any]) -> Any:
        options = step.get("options", {})
        known = {"durability": js_string(options["durability"])} if "durability" in options else {}
        mode = js_string(step["mode"]) if "mode" in step else "readonly"
        return self.connection(step).transaction(step["stores"], mode, **known)

    async def do_tx(self, step: dict[str, Any]) -> Any:
        try:
            tx = self.begin(step)
        except (DOMError, TypeError) as problem:
            return {"throw": error_json(problem)}
        return await self.run_tx(tx, step)

    async def run_tx(self, tx: Any, step: dict[str, Any], ops: Ops | None = None) -> Any:
        ops = ops or Ops(self, tx.db, tx, [])
        results = ops.results
        try:
            if step.get("parallel"):
                ops.at_once(step["ops"])
            else:
                await ops.run(step["ops"])
        except Thrown as problem:
            tx.abort_with_cause(problem)
        await tx.settled()
        ops.finish()
        aborted = tx.abort_reason is not None
        result = {"outcome": "abort" if aborted else "complete", "ops": results}
        if aborted:
            result["error"] = error_json(tx.error)
        if step.get("parallel"):
            result["order"] = ops.order
        return result

    async def do_txs(self, step: dict[str, Any]) -> Any:
        log: list[str] = []
        runs = []
        for number, one in enumerate(step["txs"]):
            tx = self.begin({**one, "as": step.get("as", "c")})
            tx.add_done_callback(_logger(log, number))
            ops = Ops(self, tx.db, tx, [])
            ops.place_first(one["ops"])
            runs.append(self.run_tx(tx, one, ops))
        return {"txs": await asyncio.gather(*runs), "log": log}

    async def do_afterTx(self, step: dict[str, Any]) -> Any:
        tx = self.begin(step)
        names = [step["stores"]] if isinstance(step["stores"], str) else step["stores"]
        stores = {} if step.get("fresh") else {name: tx.object_store(name) for name in names}
        if step.get("abort"):
            tx.abort()
        await tx.settled()
        return [self._tried(tx, stores, op) for op in step["ops"]]

    async def do_inactive(self, step: dict[str, Any]) -> Any:
        names = [step["stores"]] if isinstance(step["stores"], str) else step["stores"]
        async with self.connection(step).transaction(names, "readwrite") as first:
            tx = self.begin(step)
            stores = {name: tx.object_store(name) for name in names}
            stores[names[0]].get(0)
            for _ in range(4):
                await asyncio.sleep(0)
            results = [self._tried(tx, stores, op) for op in step["ops"]]
        await first.done
        await tx.settled()
        return results

    def _tried(self, tx: Any, stores: dict[str, Any], op: dict[str, Any]) -> Any:
        results: list[Any] = []
        ops = Ops(self, tx.db, tx, results, stores)
        try:
            made = ops.issue(op)
        except (DOMError, TypeError) as problem:
            return {"throw": error_json(problem)}
        return {"ok": "request"} if isinstance(made, IDBRequest) else made


def _logger(log: list[str], number: int) -> Callable[[Any], None]:
    return lambda tx: log.append(f"tx{number} {'abort' if tx.abort_reason else 'complete'}")


def _rename(handle: Any, name: str) -> str:
    handle.name = name
    return "ok"


async def _dump_stores(db: Any) -> Any:
    stores: dict[str, Any] = {}
    names = db.object_store_names
    if not names:
        return stores
    async with db.transaction(names) as tx:
        for name in names:
            store = tx.object_store(name)
            rows = await store.get_all_records()
            indexes = {}
            for index_name in store.index_names:
                index = store.index(index_name)
                entries = await index.get_all_records()
                indexes[index_name] = {
                    **{key: item for key, item in index_info(index).items() if key != "name"},
                    "entries": [[to_json(row.key), to_json(row.primary_key)] for row in entries],
                }
            stores[name] = {
                "keyPath": store.key_path,
                "autoIncrement": store.auto_increment,
                "records": [[to_json(row.key), to_json(row.value)] for row in rows],
                "indexes": indexes,
            }
    return stores


REQUESTS = frozenset(
    ("put", "add", "get", "getKey", "getAll", "getAllKeys", "getAllRecords", "count", "delete", "clear", "cursor")
)


class Ops:
    """The ops of one transaction."""

    def __init__(
        self, player: Player, db: Any, tx: Any, results: list[Any], stores: dict[str, Any] | None = None
    ) -> None:
        self.player = player
        self.db = db
        self.tx = tx
        self.results = results
        self.stores = stores
        self.order: list[int] = []
        self.open: list[tuple[int, IDBRequest[Any]]] = []
        self.first: tuple[dict[str, Any], Callable[[], Any]] | None = None

    def place_first(self, ops: list[dict[str, Any]]) -> None:
        """Issues the first op now; ``run`` takes it up. (A task would begin after the creating turn.)"""
        if not ops:
            return
        try:
            made = self.request(ops[0]) if ops[0]["op"] == "cursor" else self.issue(ops[0])
        except (DOMError, TypeError) as problem:
            self.first = (ops[0], lambda raised=problem: _raise(raised))
        else:
            self.first = (ops[0], lambda: made)

    async def run(self, ops: list[dict[str, Any]]) -> None:
        for place, op in enumerate(ops):
            try:
                if op["op"] == "cursor":
                    result = await self.cursor(op)
                else:
                    made = self.issue(op)
                    result = await self.settled(made, op) if isinstance(made, IDBRequest) else made
            except Thrown:
                self.results.append("thrown")
                self.results += [SKIP] * (len(ops) - place - 1)
                raise
            except (DOMError, TypeError) as problem:
                result = {"throw": error_json(problem)}
            self.results.append(result)
            if "error" in result and not op.get("catch"):
                self.results += [SKIP] * (len(ops) - place - 1)
                return

    async def settled(self, request: IDBRequest[Any], op: dict[str, Any]) -> Any:
        if op.get("catch"):
            request.prevent_default()
        try:
            return {"ok": to_json(await request)}
        except DOMError as problem:
            return {"error": error_json(problem)}

    def at_once(self, ops: list[dict[str, Any]]) -> None:
        for place, op in enumerate(ops):
            try:
                made = self.issue(op)
            except (DOMError, TypeError) as problem:
                self.results.append({"throw": error_json(problem)})
                continue
            if not isinstance(made, IDBRequest):
                self.results.append(made)
                continue
            if op.get("catch"):
                made.prevent_default()
            made.add_done_callback(partial(self._settled_at, place))
            self.open.append((place, made))
            self.results.append("pending")

    def _settled_at(self, place: int, _request: Any) -> None:
        self.order.append(place)

    def finish(self) -> None:
        for place, request in self.open:
            if request.ready_state == "done":
                failed = request.error is not None
                self.results[place] = (
                    {"error": error_json(request.error)} if failed else {"ok": to_json(request.result)}
                )

    # -- One op --

    def issue(self, op: dict[str, Any]) -> Any:
        """A request, or the result of an op that makes none."""
        kind = op["op"]
        if kind in REQUESTS:
            return self.request(op)
        return getattr(self, f"op_{kind}")(op)

    def store(self, name: str) -> Any:
        return self.tx.object_store(name) if self.stores is None else self.stores[name]

    def source(self, op: dict[str, Any]) -> Any:
        store = self.store(op["store"])
        return store.index(op["index"]) if "index" in op else store

    def request(self, op: dict[str, Any]) -> Any:
        if self.first is not None and self.first[0] is op:
            made, self.first = self.first[1], None
            return made()
        kind = op["op"]
        source = self.source(op)
        if kind in ("put", "add"):
            key = [_given_key(source, to_python(op["key"]))] if "key" in op else []
            return getattr(source, kind)(to_python(op["value"]), *key)
        if kind == "clear":
            return source.clear()
        query = [range_of(op["range"])] if "range" in op else [to_python(op["key"])] if "key" in op else []
        if kind == "cursor":
            return self.opened(source, op, query)
        if "options" in op:
            options = {name: to_python(op["options"][name]) for name in ("count", "direction") if name in op["options"]}
            if query:
                options["query"] = query[0]
            query = [options]
        elif "count" in op:
            query = query or [None]
            count = to_python(op["count"])
            query.append(None if count is UNDEFINED else js_number(count))
        return getattr(source, _SNAKE.get(kind, kind))(*query)

    def opened(self, source: Any, op: dict[str, Any], query: list[Any]) -> Any:
        direction = js_string(to_python(op["direction"])) if "direction" in op else "next"
        open_cursor = source.open_key_cursor if op.get("keyOnly") else source.open_cursor
        return open_cursor(query[0] if query else None, direction)

    def op_abort(self, _op: Any) -> Any:
        return outcome(lambda: self.tx.abort() or "ok")

    def op_commit(self, _op: Any) -> Any:
        return outcome(lambda: self.tx.commit() and "ok")

    def op_close(self, _op: Any) -> Any:
        return outcome(lambda: self.db.close() or "ok")

    def op_throw(self, _op: Any) -> Any:
        raise Thrown

    def op_objectStore(self, op: Any) -> Any:
        return outcome(lambda: self.tx.object_store(op["name"]) and "ok")

    def op_index(self, op: Any) -> Any:
        return outcome(lambda: self.store(op["store"]).index(op["name"]) and "ok")

    def op_transaction(self, op: Any) -> Any:
        return outcome(lambda: self.db.transaction(op["stores"]) and "ok")

    def op_createStore(self, op: Any) -> Any:
        options = op.get("options", {})
        path = to_python(options.get("keyPath"))
        path = None if path is None or path is UNDEFINED else js_key_path(path)
        generates = bool(options.get("autoIncrement"))
        return outcome(lambda: store_info(self.db.create_object_store(js_string(op["name"]), path, generates)))

    def op_deleteStore(self, op: Any) -> Any:
        return outcome(lambda: self.db.delete_object_store(op["name"]) or "ok")

    def op_createIndex(self, op: Any) -> Any:
        options = op.get("options", {})
        path = js_key_path(to_python(op["keyPath"]))
        flags = bool(options.get("unique")), bool(options.get("multiEntry"))
        return outcome(lambda: index_info(self.store(op["store"]).create_index(js_string(op["name"]), path, *flags)))

    def op_deleteIndex(self, op: Any) -> Any:
        return outcome(lambda: self.store(op["store"]).delete_index(op["name"]) or "ok")

    def op_renameStore(self, op: Any) -> Any:
        return outcome(lambda: _rename(self.store(op["store"]), op["to"]))

    def op_renameIndex(self, op: Any) -> Any:
        return outcome(lambda: _rename(self.store(op["store"]).index(op["index"]), op["to"]))

    def op_storeInfo(self, op: Any) -> Any:
        return outcome(lambda: store_info(self.store(op["store"])))

    def op_indexInfo(self, op: Any) -> Any:
        return outcome(lambda: index_info(self.store(op["store"]).index(op.get("index", op.get("name")))))

    def op_txInfo(self, _op: Any) -> Any:
        return outcome(lambda: tx_info(self.tx))

    def op_dbInfo(self, _op: Any) -> Any:
        return outcome(lambda: db_info(self.db))

    # -- Cursors --

    async def cursor(self, op: dict[str, Any]) -> Any:
        request = self.request(op)
        visited: list[Any] = []
        acts: list[Any] = []
        script = op.get("script", [])
        if op.get("catch"):
            request.prevent_default()
        try:
            cursor = await request
            while cursor is not None:
                shown = [to_json(cursor.key), to_json(cursor.primary_key)]
                visited.append(shown if op.get("keyOnly") else [*shown, to_json(cursor.value)])
                number = len(visited) - 1
                actions = script[number] if number < len(script) else [["continue"]]
                if not self.act(cursor, actions, number, acts, request):
                    return {"ok": {"visited": visited, "acts": acts, "end": "stopped"}}
                cursor = await request
        except DOMError as problem:
            return {"error": error_json(problem)}
        return {"ok": {"visited": visited, "acts": acts, "end": "done"}}

    def act(self, cursor: Any, actions: list[Any], visit: int, acts: list[Any], request: Any) -> bool:
        """Whether the cursor was moved."""
        moved = False
        for action, *arguments in actions:
            entry: dict[str, Any] = {"visit": visit, "act": action}
            try:
                made = self._act(cursor, action, [to_python(argument) for argument in arguments], request)
            except (DOMError, TypeError) as problem:
                acts.append({**entry, "throw": error_json(problem)})
                continue
            if action in ("continue", "continuePrimaryKey", "advance"):
                moved = True
            elif isinstance(made, IDBRequest):
                acts.append(entry)
                made.add_done_callback(partial(_note, entry))
            elif made is not None:
                acts.append({**entry, "ok": made})
        return moved

    def _act(self, cursor: Any, action: str, arguments: list[Any], request: Any) -> Any:
        store: IDBObjectStore = cursor.source.record_store
        if action == "continue":
            return cursor.continue_(*arguments)  # to Chromium null is no key here, as None is to Python
        if action == "continuePrimaryKey":
            return cursor.continue_primary_key(*arguments)
        if action == "advance":
            return cursor.advance(*map(js_number, arguments))
        if action in ("update", "delete"):
            return getattr(cursor, action)(*arguments)
        if action in ("put", "add"):
            return getattr(store, action)(arguments[0], *(_given_key(store, key) for key in arguments[1:]))
        if action == "remove":
            return store.delete(*arguments)
        if action == "abort":
            self.tx.abort()
        if action == "info":
            return cursor_info(cursor, request)
        if action == "key":
            return to_json(cursor.key)
        return None


def cursor_info(cursor: Any, request: Any) -> Any:
    return {
        "direction": cursor.direction,
        "key": to_json(cursor.key),
        "primaryKey": to_json(cursor.primary_key),
        "sourceName": cursor.source.name,
        "sourceType": type(cursor.source).__name__,
        "hasValue": hasattr(cursor, "value"),
        "sameRequest": cursor.request is request,
    }


def _note(entry: dict[str, Any], request: IDBRequest[Any]) -> None:
    entry.update(_settlement(request))


def _raise(problem: BaseException) -> Any:
    raise problem


def _settlement(request: IDBRequest[Any]) -> Any:
    return {"ok": to_json(request.result)} if request.error is None else {"error": error_json(request.error)}


def _given_key(store: IDBObjectStore, value: Any) -> Any:
    """``put(value, null)``: null is no key; where keys are out of line Firefox takes it for none that was given."""
    is_given = store._says.browser.engine != "firefox" or store.key_path is not None
    return NULL if value is None and is_given else value


_SNAKE = {"getKey": "get_key", "getAll": "get_all", "getAllKeys": "get_all_keys", "getAllRecords": "get_all_records"}

"""The synchronous channel to Node: Python starts a task there and answers its calls until the task is over."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_MAIN: Final = Path(__file__).with_name("js") / "main.mjs"
Answer = Callable[[str, list[Any]], Any]
"""What a call gives, ready for the wire: ``{"ok": …}`` or ``{"throw": …}``."""


class NodeEnded(Exception):
    """Node is gone before its task was over."""


class Channel:
    """One Node process with one test file. Whoever waits here waits for JavaScript to go on: nothing else runs."""

    def __init__(self, root: Path, address: str, answer: Answer) -> None:
        self._answer = answer
        self.is_busy = False
        to_node, ours = os.pipe(), os.pipe()
        self._process = subprocess.Popen(
            ["node", "--no-warnings", str(_MAIN), str(root), address, str(to_node[0]), str(ours[1])],
            pass_fds=(to_node[0], ours[1]),
            stdin=subprocess.DEVNULL,
        )
        os.close(to_node[0])
        os.close(ours[1])
        self._write = os.fdopen(to_node[1], "wb")
        self._read = os.fdopen(ours[0], "rb")
        self._serve()

    def run(self, task: str, **fields: Any) -> dict[str, Any]:
        """Runs a task with the microtasks that follow it; gives what it tells at its end. Raises NodeEnded."""
        self._send({"task": task, **fields})
        return self._serve()

    def close(self) -> None:
        self._write.close()
        self._read.close()
        self._process.kill()
        self._process.wait()

    def _serve(self) -> dict[str, Any]:
        self.is_busy = True
        try:
            while True:
                message = self._receive()
                if "done" in message:
                    done: dict[str, Any] = message["done"]
                    return done
                self._send(self._answer(message["call"], message["args"]))
        finally:
            self.is_busy = False

    def _receive(self) -> dict[str, Any]:
        line = self._read.readline()
        if not line:
            raise NodeEnded
        message: dict[str, Any] = json.loads(line)
        return message

    def _send(self, message: Any) -> None:
        try:
            self._write.write(json.dumps(message).encode() + b"\n")
            self._write.flush()
        except BrokenPipeError:
            raise NodeEnded from None

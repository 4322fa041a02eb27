"""Servers that tests start, ask and end."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
_DEADLINE = 90.0


class Server:
    """A server process. `told` is the line that it prints when it is ready. Use it in a `with`."""

    def __init__(self, words, cwd=None, env=None):
        paths = os.pathsep.join(str(path) for path in (HERE.parent, HERE))
        everything = {**os.environ, "PYTHONPATH": paths, "OMP_WAIT_POLICY": "PASSIVE", **(env or {})}
        self.process = subprocess.Popen(
            words, cwd=cwd, env=everything, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.port = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def ask(self, method, path, body=None, **headers):
        """Status, headers by name, and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_DEADLINE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def double(self, *numbers, model="", **headers):
        """Status, and the doubled numbers or the error."""
        body = np.array(numbers, "<f4").tobytes()
        path = f"/predict/{model}" if model else "/predict"
        status, _, text = self.ask("POST", path, body, Content_Type="application/octet-stream", **headers)
        plain = json.loads(text)
        if status != 200:
            return status, plain["error"]
        return status, [answer["values"]["value"] for answer in plain["answers"]]

    def metric(self, name):
        """A number of `/metrics`; 0 where it was never counted."""
        lines = self.ask("GET", "/metrics")[2].decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def end(self, number=signal.SIGTERM):
        """Send a signal; returns the exit code, and what was printed on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=_DEADLINE)
        return self.process.returncode, errors


def toys(cwd=None, **given):
    """A server of toy models, ready."""
    server = Server([sys.executable, str(HERE / "toy_server.py"), json.dumps(given)], cwd)
    line = server.process.stdout.readline()
    if not line:
        raise AssertionError(server.process.communicate()[1])
    told = json.loads(line)
    server.port, server.workers = told["port"], told["workers"]
    return server


def until(true):
    """Wait until something is so."""
    end = time.monotonic() + _DEADLINE
    while not true():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.02)


def alive(pid):
    """Whether a process lives."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

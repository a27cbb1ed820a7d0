"""The local API against its own description, on a daemon that runs.

Usage: run.py HOLDPOINT_BINARY. A simulated Sessions API, a daemon that watches it, sessions that wait for an answer; then
schemathesis makes up requests, and afterwards the checks look at what the daemon did. Each function `check_*` is one check.
"""

import collections
import http.client
import json
import os
import selectors
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

import jsonschema_rs

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 60.0
KEY = "5e0d7c1a-7c55-4f0e-9a54-2b8f6c1d0e77"
# So many sessions are only looked at and paused; the others are denied and cancelled by made-up requests.
KEPT, SPARE = 6, 18


class UnixConnection(http.client.HTTPConnection):
    """HTTP on the daemon's socket."""

    def __init__(self, path):
        super().__init__("holdpoint", timeout=LIMIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Forwarder(socketserver.ThreadingTCPServer):
    """A loopback port whose connections lead to the daemon's socket: schemathesis knows no Unix sockets."""

    daemon_threads = True

    def __init__(self, path):
        super().__init__(("127.0.0.1", 0), Forwarded)
        self.path = path
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Forwarded(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as there, selectors.DefaultSelector() as either:
            there.connect(self.server.path)
            either.register(self.request, selectors.EVENT_READ, there)
            either.register(there, selectors.EVENT_READ, self.request)
            while True:
                for ready, _ in either.select():
                    try:
                        data = ready.fileobj.recv(65536)
                        ready.data.sendall(data)
                    except OSError:
                        return
                    if not data:
                        return


class Stream(threading.Thread):
    """A client's event stream: its token, and every event."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.connection = UnixConnection(path)
        self.connection.request("GET", "/v1/events")
        self.answer = self.connection.getresponse()
        assert (self.answer.status, self.answer.headers["content-type"]) == (200, "text/event-stream")
        self.events, self.news, self.ended = [], threading.Condition(), False
        self.start()

    def run(self):
        name, data = None, None
        try:
            for line in self.answer:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = json.loads(value)
                elif not field and name:
                    with self.news:
                        self.events.append((name, data))
                        self.news.notify_all()
                    name = None
        finally:
            with self.news:
                self.ended = True
                self.news.notify_all()

    def until(self, what, is_it):
        """Waits until what was told shows it."""
        with self.news:
            if not self.news.wait_for(lambda: is_it(self.events) or self.ended, LIMIT) or not is_it(self.events):
                raise AssertionError(f"{what}: not told within {LIMIT} s")

    def hello(self):
        self.until("hello", bool)
        return self.events[0][1]


class Stage:
    """All that takes part."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "HOLDPOINT_TEST_KEY": KEY}
        self.environment |= {"XDG_STATE_HOME": folder + "/state", "XDG_RUNTIME_DIR": folder + "/run"}
        os.makedirs(folder + "/run", 0o700)
        shutil.copy(HERE + "/config.toml", folder)
        self.socket = folder + "/run/holdpoint/holdpoint.sock"
        self.log = folder + "/daemon.log"
        scenario = HERE + "/scenario.toml"
        arguments = [binary, "simulate", "--scenario", scenario, "--api-key-env", "HOLDPOINT_TEST_KEY"]
        self.simulator = subprocess.Popen(arguments, env=self.environment, stdout=subprocess.PIPE, text=True)
        self.provider = json.loads(self.simulator.stdout.readline())["base_url"]
        self.environment["HOLDPOINT_PROVIDER_BASE_URL"] = self.provider
        with open(self.log, "wb") as log:
            arguments = [binary, "run", "--config", "config.toml"]
            self.daemon = subprocess.Popen(
                arguments, env=self.environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait("the daemon listens", lambda: os.path.exists(self.socket) and self.ask("GET", "/healthz")[0] == 200)
        self.stream = Stream(self.socket)
        for _ in range(KEPT + SPARE):
            self.truth("sessions", {"scenario": "buyer", "start": True})
        wait("every session waits for an answer", lambda: len(self.open()) == KEPT + SPARE)
        self.kept = [view["card"]["approval"] for view in self.open()[:KEPT]]

    def ask(self, method, path, body=None, **headers):
        connection = UnixConnection(self.socket)
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        is_json = answer.headers.get("content-type") == "application/json"
        return answer.status, json.loads(data) if is_json else data

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def open(self):
        return [view for view in self.get("/v1/approvals") if view["state"]["state"] == "open"]

    def truth(self, path, body=None):
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self.provider}/_sim/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return json.load(answer)

    def calls(self, *endpoints):
        return [call for call in self.truth("calls") if call["endpoint"] in endpoints]

    def end(self):
        for process in (self.daemon, self.simulator):
            process.terminate()
        return [process.wait(LIMIT) for process in (self.daemon, self.simulator)]


def wait(what, is_it):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            if is_it():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {LIMIT} s")


def check_the_served_document_is_the_committed_one(stage):
    status, served = stage.ask("GET", "/v1/openapi.json")
    with open(HERE + "/../../docs/openapi.json", encoding="utf-8") as committed:
        assert (status, served) == (200, json.load(committed))


def check_made_up_requests(stage):
    def card(view):
        code = subprocess.run(
            [stage.binary, "show", view["card"]["approval"], "--json", "--socket", stage.socket],
            env=stage.environment, capture_output=True, text=True, timeout=LIMIT, check=True,
        )
        code = json.loads(code.stdout)["code"]
        card = view["card"]
        return {"id": card["approval"], "code": code, "revision": card["revision"], "digest": view["digest"]}

    views = stage.open()
    kept = [card(view) for view in views if view["card"]["approval"] in stage.kept]
    spare = [card(view) for view in views if view["card"]["approval"] not in stage.kept]
    spare_sessions = [view["card"]["session"] for view in views if view["card"]["approval"] not in stage.kept]
    # Denials and cancellations do not take each other's.
    sessions, spare = spare_sessions[:SPARE // 2], spare[SPARE // 2:]
    known = {"client": stage.stream.hello()["client"], "cards": kept + spare[:2], "spare": spare, "sessions": sessions}
    with open(stage.folder + "/stage.json", "w", encoding="utf-8") as file:
        json.dump(known, file)
    forwarder = Forwarder(stage.socket)
    seed = os.environ.get("HOLDPOINT_FUZZ_SEED", "7")
    examples = os.environ.get("HOLDPOINT_FUZZ_EXAMPLES", "60")
    environment = os.environ | {"HOLDPOINT_FUZZ_STAGE": stage.folder + "/stage.json", "PYTHONPATH": HERE}
    arguments = [os.path.dirname(sys.executable) + "/st", "--config-file", HERE + "/schemathesis.toml", "run"]
    arguments += [forwarder.url + "/v1/openapi.json", "--url", forwarder.url, "--checks", "all", "--seed", seed]
    arguments += ["--max-examples", examples, "--workers", "1", "--report", "ndjson"]
    arguments += ["--report-ndjson-path", stage.folder + "/requests.ndjson"]
    ended = subprocess.run(arguments, env=environment, cwd=stage.folder)
    forwarder.shutdown()
    assert ended.returncode == 0, f"schemathesis ended with {ended.returncode}"


# What has to be among the answers, so that a run that reached nothing does not pass.
REACHED = {
    "GET /v1/events": {200},
    "GET /v1/approvals": {200, 400},
    "GET /v1/approvals/{name}": {200, 404},
    "POST /v1/approvals/{name}/presented": {200, 400, 403, 409, 415},
    "POST /v1/approvals/{name}/decision": {200, 400, 403, 404, 409, 415, 422},
    "GET /v1/approvals/{name}/screenshot": {200, 403},
    "POST /v1/sessions/{name}/pause": {200, 400, 403, 404, 415},
    "POST /v1/sessions/{name}/cancel": {200, 400, 403, 404, 415},
    "POST /v1/sessions/{name}/ask": {400, 403, 404, 415, 422},
    "POST /v1/halt": {200, 400, 403, 415},
    "DELETE /v1/halt": {204, 403},
    "POST /v1/reload": {200},
}


def check_the_requests_reached_what_they_are_about(stage):
    answered = {}
    with open(stage.folder + "/requests.ndjson", encoding="utf-8") as requests:
        for line in requests:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
            for case, interaction in recorder.get("interactions", {}).items():
                value = recorder["cases"][case]["value"]
                operation = f"{value['method']} {value['path']}"
                status = (interaction.get("response") or {}).get("status_code", 0)
                answered.setdefault(operation, collections.Counter())[status] += 1
    if os.environ.get("HOLDPOINT_FUZZ_VERBOSE"):
        for operation, counts in sorted(answered.items()):
            if set(counts) != {405}:
                print("    ", operation, dict(sorted(counts.items())))
    for operation, statuses in REACHED.items():
        missing = statuses - answered.get(operation, {}).keys()
        assert not missing, f"{operation} was never answered {missing}, but {answered.get(operation)}"


def check_every_event_is_as_described(stage):
    document = stage.get("/v1/openapi.json")

    def schema(name):
        return jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document})

    schemas = {"hello": schema("Hello"), "update": schema("Update"), "gone": schema("Farewell")}
    told = list(stage.stream.events)
    for name, data in told:
        schemas[name].validate(data)
    kinds = {data["change"]["change"] for name, data in told if name == "update"}
    assert {"approval", "session", "presence", "daemon", "notice"} <= kinds, kinds
    numbers = [data["seq"] for name, data in told if name == "update"]
    first = told[0][1]["snapshot"]["seq"] + 1
    # A reader that falls behind is told the newest of each thing, so that numbers may be missing; their order never changes.
    assert numbers == sorted(set(numbers)) and numbers[0] >= first, "another order than that of the numbers"


def check_the_daemon_is_well(stage):
    assert stage.daemon.poll() is None, "the daemon has ended"
    status, answer = stage.ask("DELETE", "/v1/halt")
    assert status == 204, answer
    wait("health", lambda: stage.ask("GET", "/healthz") == (200, {"status": "ok", "reasons": []}))
    with open(stage.log, encoding="utf-8", errors="replace") as log:
        said = log.read()
    assert "panicked" not in said and " ERROR " not in said, said[-4000:]
    assert KEY not in said


def check_nothing_was_let_go(stage):
    assert stage.calls("resume", "message") == []
    assert stage.truth("ledger") == []
    outcomes = {view["state"].get("outcome") for view in stage.get("/v1/approvals?state=all")}
    assert outcomes <= {None, "denied", "withdrawn"} and "denied" in outcomes, outcomes
    still = {view["card"]["approval"] for view in stage.open()}
    assert set(stage.kept) <= still, "an approval that nobody denied has ended"


def check_one_approval_lets_one_session_go(stage):
    view = next(view for view in stage.open() if view["card"]["approval"] == stage.kept[0])
    approval, shown = view["card"]["approval"], {"revision": view["card"]["revision"], "digest": view["digest"]}
    client = stage.stream.hello()["client"]
    path = f"/v1/approvals/{approval}"
    status, presented = stage.ask("POST", path + "/presented", shown, Holdpoint_Client=client)
    assert status == 200, presented
    decision = {"approval": approval, **shown, "nonce": presented["nonce"], "act": {"act": "approve"}}
    status, early = stage.ask("POST", path + "/decision", decision, Holdpoint_Client=client)
    assert (status, early["refusal"]) == (409, "too_soon"), early
    time.sleep(early["wait_ms"] / 1000)
    answer = stage.ask("POST", path + "/decision", decision, Holdpoint_Client=client)
    assert answer == (200, {"decided": "outcome", "outcome": "approved"}), answer

    def is_resumed(events):
        views = [data["change"]["view"] for _, data in events if data.get("change", {}).get("change") == "approval"]
        ends = [view["state"] for view in views if view["card"]["approval"] == approval]
        return any(state.get("delivery") == "applied" for state in ends)

    stage.stream.until("the session is resumed", is_resumed)
    assert [call["session"] for call in stage.calls("resume")] == [view["card"]["session"]]


def check_the_trail_is_whole(stage):
    verified = subprocess.run(
        [stage.binary, "audit", "verify", "--config", "config.toml"],
        env=stage.environment, cwd=stage.folder, capture_output=True, text=True, timeout=LIMIT,
    )
    assert verified.returncode == 0, verified.stderr
    print("     " + verified.stdout.strip().replace("\n", "\n     "))


def check_a_stop_is_said_last(stage):
    codes = stage.end()
    assert codes == [0, 0], codes
    stage.stream.until("gone", lambda events: events[-1][0] == "gone")
    assert stage.stream.events[-1][1]["gone"] == "ended"


def main():
    checks = [(name, check) for name, check in globals().items() if name.startswith("check_")]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="holdpoint-openapi-") as folder:
        stage = Stage(sys.argv[1], folder)
        try:
            for name, check in checks:
                began = time.monotonic()
                try:
                    check(stage)
                except Exception:
                    failed += 1
                    print(f"FAIL {name}", flush=True)
                    traceback.print_exc(file=sys.stdout)
                else:
                    passed += 1
                    print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)
        finally:
            for process in (stage.daemon, stage.simulator):
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
        keep = os.environ.get("HOLDPOINT_FUZZ_KEEP")
        if keep:
            shutil.copytree(folder, keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

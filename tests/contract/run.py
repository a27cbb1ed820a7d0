"""The vendor's official Python SDK against `holdpoint simulate`: what its types reject is the simulator's fault.

Usage: run.py HOLDPOINT_BINARY. Each function `check_*` is one check; it gets an SDK client and asserts.
"""

import json
import os
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
import uuid

from agi import AGIClient
from agi.exceptions import AGIError, AuthenticationError, NotFoundError
from agi.types.results import Screenshot

LIMIT = 30.0
BASE_URL = ""


def truth(path):
    with urllib.request.urlopen(BASE_URL + "/_sim/" + path, timeout=LIMIT) as answer:
        return json.load(answer)


def bought(session_id):
    return [order["amount"] for order in truth("ledger") if order["session"] == session_id]


def status_becomes(client, session_id, wanted):
    """Polls, as the SDK's own users do; there is no call that waits."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        status = client.sessions.get_status(session_id).status
        if status == wanted:
            return
        time.sleep(0.02)
    raise AssertionError(f"status is {status!r}, not {wanted!r}, after {LIMIT} s")


def new_session(client, goal, message=None):
    session = client.sessions.create(agent_name="agi-0", goal=goal)
    sent = client.sessions.send_message(session.session_id, message or goal)
    assert sent.success and sent.message == "Message sent successfully", sent
    return session.session_id


def refused(word, call):
    try:
        call()
    except NotFoundError:
        raise
    except AGIError as error:
        assert word in str(error), error
    else:
        raise AssertionError(f"expected an error with {word!r}")


def unknown(call):
    try:
        call()
    except NotFoundError:
        return
    raise AssertionError("expected NotFoundError")


def check_create_list_get(client):
    session = client.sessions.create(agent_name="agi-0-fast", goal="Look up headsets", max_steps=5)
    uuid.UUID(session.session_id)
    assert (session.agent_name, session.status, session.goal) == ("agi-0-fast", "ready", "Look up headsets"), session
    assert session.vnc_url and session.created_at.tzinfo, session
    assert session.session_id in [other.session_id for other in client.sessions.list()]
    assert client.sessions.get(session.session_id) == session


def check_wrong_key(_client):
    for call in (lambda c: c.sessions.list(), lambda c: c.sessions.create()):
        try:
            with AGIClient(api_key="wrong", base_url=BASE_URL) as other:
                call(other)
        except AuthenticationError:
            continue
        raise AssertionError("a wrong key was accepted")


def check_stream_to_done(client):
    session_id = new_session(client, "Look up headsets")
    events = []
    for event in client.sessions.stream_events(session_id):
        events.append(event)
        if event.event == "done":
            break
    names = [event.event for event in events]
    assert names == ["user", "thought", "step", "log", "thought", "done"], names
    ids = [int(event.id) for event in events]
    assert ids == sorted(set(ids)) and ids[0] > 352_000, ids
    assert [event.data["message_id"] for event in events] == ids
    assert events[0].data["text"] == "Look up headsets"
    assert events[-1].data["result"]["count"] == 3, events[-1]
    assert client.sessions.get_status(session_id).status == "finished"
    again = [event.event for event in client.sessions.stream_events(session_id, event_types=["done"])]
    assert again == ["done"], again


def check_messages_after_id(client):
    session_id = new_session(client, "Look up headsets")
    status_becomes(client, session_id, "finished")
    every = client.sessions.get_messages(session_id, after_id=0)
    assert every.has_agent and every.status == "finished", every
    assert [m.type for m in every.messages] == ["USER", "THOUGHT", "LOG", "THOUGHT", "DONE"], every
    assert every.messages[0].content == "Look up headsets"
    rest = client.sessions.get_messages(session_id, after_id=every.messages[2].id)
    assert rest.messages == every.messages[3:], rest
    last = every.messages[-1].id
    assert client.sessions.get_messages(session_id, after_id=last).messages == []


def check_pause_resume(client):
    session_id = new_session(client, "scenario:patient")
    paused = client.sessions.pause(session_id)
    assert paused.success and paused.message == "Session paused successfully", paused
    assert client.sessions.get(session_id).status == "paused"
    assert client.sessions.get_status(session_id).status == "paused"
    refused("already_paused", lambda: client.sessions.pause(session_id))
    client.sessions.send_message(session_id, "Buy it")
    assert bought(session_id) == []
    resumed = client.sessions.resume(session_id)
    assert resumed.success and resumed.message == "Session resumed successfully", resumed
    refused("not_paused", lambda: client.sessions.resume(session_id))
    status_becomes(client, session_id, "finished")
    assert bought(session_id) == ["410.00 USD"], bought(session_id)


def check_cancel(client):
    session_id = new_session(client, "scenario:patient")
    client.sessions.pause(session_id)
    client.sessions.send_message(session_id, "Buy it")
    cancelled = client.sessions.cancel(session_id)
    assert cancelled.success and cancelled.message == "Session cancelled successfully", cancelled
    assert client.sessions.get(session_id).status == "ready"
    client.sessions.send_message(session_id, "scenario:harmless")
    status_becomes(client, session_id, "finished")
    assert bought(session_id) == []


def check_question(client):
    session_id = new_session(client, "scenario:question")
    status_becomes(client, session_id, "waiting_for_input")
    client.sessions.send_message(session_id, "The white one")
    status_becomes(client, session_id, "finished")
    last = client.sessions.get_messages(session_id).messages[-1]
    assert (last.type, last.content) == ("DONE", "The white one is in the cart."), last


def check_instruction_while_paused(client):
    session_id = new_session(client, "scenario:patient")
    client.sessions.pause(session_id)
    client.sessions.send_message(session_id, "Also check Amazon for comparison")
    client.sessions.resume(session_id)
    status_becomes(client, session_id, "finished")
    last = client.sessions.get_messages(session_id).messages[-1]
    assert last.content == "Compared with the other shop.", last


def check_stream_sees_pause(client):
    session_id = new_session(client, "scenario:patient")
    seen, begun = [], threading.Event()

    def follow():
        for event in client.sessions.stream_events(session_id):
            seen.append(event.event)
            begun.set()
            if event.event == "done":
                break

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(LIMIT)
    client.sessions.pause(session_id)
    client.sessions.resume(session_id)
    client.sessions.send_message(session_id, "Buy it")
    thread.join(LIMIT)
    assert not thread.is_alive() and {"paused", "resumed", "done"} <= set(seen), seen


def check_screenshot_and_navigate(client):
    session_id = client.sessions.create().session_id
    assert client.sessions.navigate(session_id, "https://shop.example.com/x").current_url == "https://shop.example.com/x"
    answer = client.sessions.screenshot(session_id)
    assert (answer.url, answer.title) == ("https://shop.example.com/x", "shop.example.com"), answer
    picture = Screenshot.from_base64(answer.screenshot, answer.url, answer.title)
    assert (picture.format, picture.width, picture.height) == ("jpg", 96, 54), picture
    refused("Invalid URL", lambda: client.sessions.navigate(session_id, "ftp://shop.example.com/"))


def check_models(client):
    assert "agi-0" in client.sessions.list_models().models
    assert "agi-2-claude" in client.sessions.list_models(filter="desktop").models


def check_delete(client):
    session_id = new_session(client, "scenario:purchase")
    deleted = client.sessions.delete(session_id)
    assert deleted.success and deleted.deleted, deleted
    unknown(lambda: client.sessions.get(session_id))
    assert session_id not in [other.session_id for other in client.sessions.list()]
    assert not client.sessions.delete(session_id).deleted


def check_unknown_id(client):
    nobody = str(uuid.uuid4())
    sessions = client.sessions
    for call in (sessions.get, sessions.get_status, sessions.get_messages, sessions.pause, sessions.resume,
                 sessions.cancel, sessions.screenshot):
        unknown(lambda: call(nobody))
    unknown(lambda: sessions.send_message(nobody, "hello"))
    unknown(lambda: sessions.navigate(nobody, "https://shop.example.com/"))
    assert not sessions.delete(nobody).deleted


def check_run_task(client):
    """The SDK's own recipe: create, message, poll, delete."""
    with client.session("agi-0") as session:
        result = session.run_task("Look up headsets", poll_interval=0.05, timeout=LIMIT)
        assert result.metadata.success and result.data["count"] == 3, result


def main():
    global BASE_URL
    binary = sys.argv[1]
    patient = os.path.join(os.path.dirname(os.path.abspath(__file__)), "patient.toml")
    server = subprocess.Popen([binary, "simulate", "--speed", "20", "--scenario", "harmless", "--scenario", patient], stdout=subprocess.PIPE, text=True)
    passed = failed = 0
    try:
        ready = json.loads(server.stdout.readline())
        BASE_URL = ready["base_url"]
        checks = [(name, check) for name, check in globals().items() if name.startswith("check_")]
        for name, check in checks:
            client = AGIClient(api_key=ready["api_key"], base_url=BASE_URL, timeout=LIMIT)
            try:
                check(client)
            except Exception:
                failed += 1
                print(f"FAIL {name}")
                traceback.print_exc(file=sys.stdout)
            else:
                passed += 1
                print(f"ok   {name}")
            finally:
                client.close()
    finally:
        server.terminate()
        code = server.wait(LIMIT)
    if code != 0:
        failed += 1
        print(f"FAIL holdpoint simulate left with {code} after SIGTERM")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

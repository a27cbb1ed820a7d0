"""Makes made-up requests name what is there: approvals, sessions, cards and a client's stream.

Only where that part of a request was meant to be right; what was made wrong on purpose stays wrong. What is chosen follows
from what was made up, so that the same seed makes the same requests. Nothing here knows a nonce: no request can approve.
"""

import json
import os
import zlib

import schemathesis
from schemathesis.core.parameters import ParameterLocation

with open(os.environ["HOLDPOINT_FUZZ_STAGE"], encoding="utf-8") as stage:
    STAGE = json.load(stage)


class Draw:
    """Numbers that follow from a case as it was made up."""

    def __init__(self, case):
        self.made_up = repr((case.operation.label, case.path_parameters, case.headers, case.query, case.body))

    def below(self, count, salt):
        return zlib.crc32((salt + self.made_up).encode("utf-8", "surrogatepass")) % count

    def one(self, things, salt):
        return things[self.below(len(things), salt)]


def is_right(case, part):
    made = case.meta.components.get(part) if case.meta else None
    return made is None or made.mode.is_positive


@schemathesis.hook
def map_case(context, case):
    draw, body = Draw(case), case.body
    if draw.below(5, "as it is") == 0:
        return case
    if is_right(case, ParameterLocation.HEADER) and "Holdpoint-Client" in (case.headers or {}):
        case.headers["Holdpoint-Client"] = STAGE["client"]
    if not is_right(case, ParameterLocation.PATH) or "name" not in (case.path_parameters or {}):
        return case
    if case.operation.path.startswith("/v1/sessions/"):
        case.path_parameters["name"] = draw.one(STAGE["sessions"], "session")
        return case
    if draw.below(6, "no approval") == 0:
        return case
    right_body = is_right(case, ParameterLocation.BODY) and isinstance(body, dict)
    denies = isinstance(body, dict) and isinstance(body.get("act"), dict) and body["act"].get("act") == "deny"
    card = draw.one(STAGE["spare" if denies else "cards"], "card")
    case.path_parameters["name"] = card["id"] if draw.below(2, "code") else card["code"].lower()
    if right_body:
        if "approval" in body and draw.below(6, "another approval") != 0:
            body["approval"] = card["id"]
        if draw.below(3, "stale") != 0:
            body["revision"], body["digest"] = card["revision"], card["digest"]
    return case

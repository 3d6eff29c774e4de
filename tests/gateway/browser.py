"""Checks what a browser showed and received: browser.py DOM NETLOG.

DOM is the page after its scripts ran. NETLOG is Chromium's log of its network, which has every byte
that it received.
"""

import base64
import json
import re
import sys

# An IAM token, an API key, an authorized key, and the schemes before the first two.
SECRETS = re.compile(rb"\bt1\.|\bAQVN|PRIVATE KEY|\bBearer\b|\bApi-Key\b", re.IGNORECASE)


def received(netlog):
    """The bytes of all responses: as on the wire, and the bodies after decoding."""
    types = netlog["constants"]["logEventTypes"]
    wanted = {types["SOCKET_BYTES_RECEIVED"], types["URL_REQUEST_JOB_FILTERED_BYTES_READ"]}
    return b"\n".join(
        base64.b64decode(event["params"]["bytes"])
        for event in netlog["events"]
        if event["type"] in wanted and "bytes" in event.get("params", {})
    )


def main(dom_path, netlog_path):
    with open(dom_path, encoding="utf-8") as file:
        dom = file.read()
    with open(netlog_path, encoding="utf-8") as file:
        responses = received(json.load(file))

    row = r"<tr><td>dfe\w+</td><td>FINISHED</td><td>{\"greeting\":\"hello\"}</td></tr>"
    assert re.search(row, dom), "the page does not show a finished execution:\n" + dom

    for part in [b"<h1>Workflow executions", b'"executionId":"dfe', b'"status":"FINISHED"']:
        assert part in responses, f"the log of the network lacks {part!r}"
    leak = SECRETS.search(responses)
    assert not leak, f"a response to the browser has {leak[0]!r}"
    print(f"FINISHED; {len(responses)} bytes of responses without a credential")


main(*sys.argv[1:])

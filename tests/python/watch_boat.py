"""Connects with the published client library `signalk-client`, reads the tree, and follows the stream.

    python watch_boat.py <host>:<port> <path> <unit> <other unit> <text> <other text>

Waits until the value at the path, converted from the one unit to the other, was shown as both texts by turns. Prints one JSON
document: {"self": the name of the own ship, "vessels": the names of all, "targets": the paths of the own ship that the library
knows, "position": as it shows it, "errors": what it complained about}.
"""

import json
import logging
import sys
import time

from signalk_client.client import Client

PATIENCE = 30.0
PAUSE = 0.02


class Complaints(logging.Handler):
    """Keeps what is logged as an error: the library catches its own exceptions and only logs them."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def main(server, path, unit, other_unit, *texts):
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    client = Client(server=server)
    vessel = client.data.get_self()

    def shown():
        return vessel.get_datum(path).display_value(convert_units=[(unit, other_unit)])

    deadline = time.monotonic() + PATIENCE
    for text in (*texts, texts[0]):
        while shown() != text:
            if time.monotonic() > deadline:
                sys.exit(f"{path} is {shown()} and does not become {text}; errors: {complaints.lines}")
            time.sleep(PAUSE)

    answer = {
        "self": str(vessel),
        "vessels": sorted(str(vessel) for vessel in client.data.get_vessels()),
        "targets": vessel.get_targets(),
        "position": vessel.get_datum("navigation.position").display_value(),
        "errors": list(complaints.lines),
    }
    client.close()
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])

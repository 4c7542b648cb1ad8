"""A foreign peer: a SIP2 client that is not ours (PyPI's Sip2), at a library system.

Standard input is one JSON object: {"host", "port", "user", "password", "patron", "item"}. It logs
in, asks how the library system is, borrows the item, looks at what the patron has, renews, returns
and ends the session. Standard output is a JSON array of what it understood of each answer: its
fixed-width fields, its variable fields, and whether the sum was right.
"""

import json
import logging
import sys

from Sip2.sip2 import Sip2


def main() -> None:
    task = json.load(sys.stdin)
    # The client prints what it does.
    answers, sys.stdout = sys.stdout, sys.stderr
    client = Sip2()
    client.log = logging.getLogger("sip2")
    client.hostName, client.hostPort = task["host"], task["port"]
    client.tlsEnable = False
    client.institutionId, client.patron = "liling", task["patron"]
    client.connect()
    understood = []

    def ask(request: str, read) -> None:
        response = client.get_response(request)
        line = response.strip()
        answer = read(response)
        variable = {key: value for key, value in answer["variable"].items() if len(key) == 2}
        understood.append(
            {
                "code": line[:2],
                "fixed": answer["fixed"],
                "variable": variable,
                # The client's own check accepts every sum. Its sum is right, over bytes as characters.
                "sum": client._crc_calc(line[:-4].encode().decode("latin-1")) == line[-4:],
            }
        )

    ask(client.sip_login_request(task["user"], task["password"]), client.sip_login_response)
    ask(client.sip_sc_status_request(), client.sip_sc_status_response)
    ask(client.sip_checkout_request(task["item"]), client.sip_checkout_response)
    ask(client.sip_patron_information_request("charged"), client.sip_patron_information_response)
    ask(client.sip_item_information_request(task["item"]), client.sip_item_information_response)
    ask(client.sip_renew_request(task["item"]), client.sip_renew_response)
    ask(client.sip_checkin_request(task["item"]), client.sip_checkin_response)
    ask(client.sip_end_patron_session_request(), client.sip_end_patron_session_response)
    client.disconnect()
    json.dump(understood, answers)


if __name__ == "__main__":
    main()

"""A foreign peer: publishes what standard input says with Eclipse Paho, and prints each answer.

Standard input is one JSON object: {"host", "port", "version": 311 or 5, "user", "password",
"publishes": [{"topic", "payload"}]}; in place of user and password "tls": {"ca", "certificate",
"key"}. With "filters" it subscribes to each of them first, and standard output is
{"granted": [the code of each], "answers": the array below}. Standard output is a JSON array with one reason code for each
publish, null where no answer came before the connection ended, and the reason code of a
DISCONNECT from the server last, null where there was none.
"""

import json
import sys
import threading

import paho.mqtt.client as mqtt

PATIENCE_SECONDS = 20


def main() -> None:
    task = json.load(sys.stdin)
    protocol = mqtt.MQTTv5 if task["version"] == 5 else mqtt.MQTTv311
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
    if "tls" in task:
        files = task["tls"]
        client.tls_set(files["ca"], files["certificate"], files["key"])
    if "user" in task:
        client.username_pw_set(task["user"], task["password"])
    connected, over = threading.Event(), threading.Event()
    answers: dict[int, int] = {}
    disconnect: list[int] = []
    refused: list[int] = []
    granted: dict[int, int] = {}
    changed = threading.Condition()

    def on_connect(_client, _data, _flags, reason, _properties):
        if reason.is_failure:
            refused.append(reason.value)
            over.set()
        connected.set()

    def on_publish(_client, _data, packet_id, reason, _properties):
        with changed:
            answers[packet_id] = reason.value if task["version"] == 5 else 0
            changed.notify_all()

    def on_subscribe(_client, _data, packet_id, reasons, _properties):
        with changed:
            granted[packet_id] = reasons[0].value
            changed.notify_all()

    def on_disconnect(_client, _data, flags, reason, _properties):
        if flags.is_disconnect_packet_from_server:
            disconnect.append(reason.value)
        over.set()
        with changed:
            changed.notify_all()

    client.on_connect, client.on_publish, client.on_disconnect = on_connect, on_publish, on_disconnect
    client.on_subscribe = on_subscribe
    try:
        client.connect(task["host"], task["port"])
    except OSError as error:
        json.dump({"refused": str(error)}, sys.stdout)
        return
    client.loop_start()
    while not connected.wait(0.05) and not over.is_set():
        pass
    if not connected.is_set() or refused:
        json.dump({"refused": refused[0] if refused else None}, sys.stdout)
        return
    codes = []
    for filter in task.get("filters", []):
        _, packet_id = client.subscribe(filter, 1)
        with changed:
            changed.wait_for(lambda: packet_id in granted or over.is_set(), PATIENCE_SECONDS)
        codes.append(granted.get(packet_id))
    packet_ids = []
    for publish in task["publishes"]:
        if over.is_set():
            packet_ids.append(None)
            continue
        packet_ids.append(client.publish(publish["topic"], publish["payload"], qos=1).mid)
        with changed:
            changed.wait_for(lambda: packet_ids[-1] in answers or over.is_set(), PATIENCE_SECONDS)
    result = [answers.get(packet_id) for packet_id in packet_ids]
    result.append(disconnect[0] if disconnect else None)
    client.disconnect()
    client.loop_stop()
    json.dump({"granted": codes, "answers": result} if "filters" in task else result, sys.stdout)


if __name__ == "__main__":
    main()

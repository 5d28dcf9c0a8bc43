"""Linphone's library as a telephone that has real-time text: of a caller of 112, or of a seat.

Arguments: a folder of its own, the address to be at, how audio and text are encrypted (`none`, `srtp`), and whom to
call; without that it waits to be called. Each line of its input is typed, letter
by letter, with the sign of a new line behind it; `quit` ends the call. It tells `talks`, `char` for each
letter that it reads, `waits` and `over`, as one JSON object a line.
"""

import ctypes
import json
import os
import queue
import sys
import threading
import time

NEW_LINE = 0x2028

folder, host, encryption = sys.argv[1:4]
whom = sys.argv[4] if len(sys.argv) > 4 else None
library = ctypes.CDLL("liblinphone.so.10")


def call(name, *arguments, result=ctypes.c_void_p):
    function = getattr(library, name)
    function.restype = result
    value = function(*[it.encode() if isinstance(it, str) else it for it in arguments])
    return ctypes.c_void_p(value) if result is ctypes.c_void_p else value


def tell(event, **more):
    # At one go: its threads tell as well.
    os.write(1, (json.dumps({"event": event, **more}) + "\n").encode())


config = f"""[sip]
sip_port=5060
sip_tcp_port=0
sip_tls_port=0
bind_address={host}
use_ipv6=0
guess_hostname=0
contact=sip:+6281234567890@{host}
media_encryption={encryption}
register_only_when_network_is_up=0
[net]
stun_server=
[rtp]
bind_address={host}
audio_rtp_port=41000-41998
text_rtp_port=42000-42998
[sound]
echocancellation=0
[video]
enabled=0
"""
with open(f"{folder}/linphonerc", "w", encoding="utf-8") as file:
    file.write(config)

factory = call("linphone_factory_get")
core = call("linphone_factory_create_core_3", factory, f"{folder}/linphonerc", None, None)
call("linphone_core_set_use_files", core, 1, result=None)
call("linphone_core_enable_realtime_text", core, 1, result=ctypes.c_int)
call("linphone_core_start", core, result=ctypes.c_int)

# Its sockets are opened once it has looked for a network.
for _ in range(25):
    call("linphone_core_iterate", core, result=None)
    time.sleep(0.02)
ours = ctypes.c_void_p(None)
if not whom:
    tell("waits")
    while not ours.value:
        call("linphone_core_iterate", core, result=None)
        time.sleep(0.02)
        ours = call("linphone_core_get_current_call", core)
params = call("linphone_core_create_call_params", core, ours)
call("linphone_call_params_enable_realtime_text", params, 1, result=ctypes.c_int)
if whom:
    address = call("linphone_factory_create_address", factory, whom)
    ours = call("linphone_core_invite_address_with_params", core, address, params)
else:
    call("linphone_call_accept_with_params", ours, params, result=ctypes.c_int)

lines = queue.Queue()
threading.Thread(target=lambda: [lines.put(it.rstrip("\n")) for it in sys.stdin], daemon=True).start()

STREAMS_RUNNING, ERROR, ENDED, RELEASED = 8, 13, 14, 19
talks, state, message, typed = False, None, None, []
while True:
    call("linphone_core_iterate", core, result=None)
    now = call("linphone_call_get_state", ours, result=ctypes.c_int)
    if now != state:
        state = now
        print(f"state {state}", file=sys.stderr, flush=True)
        if state == STREAMS_RUNNING and not talks:
            talks = True
            room = call("linphone_call_get_chat_room", ours)
            tell("talks")
        if state in (ENDED, ERROR, RELEASED):
            break
    if talks:
        while letter := call("linphone_chat_room_get_char", room, result=ctypes.c_uint32):
            tell("char", char=chr(letter))
        try:
            line = lines.get_nowait()
            if line == "quit":
                call("linphone_core_terminate_all_calls", core, result=ctypes.c_int)
            else:
                typed.extend([*map(ord, line), NEW_LINE])
        except queue.Empty:
            pass
        if typed:
            message = message or call("linphone_chat_room_create_empty_message", room)
            letter = typed.pop(0)
            put = ctypes.c_uint32(letter)
            call("linphone_chat_message_put_char", message, put, result=ctypes.c_int)
            if letter == NEW_LINE:
                message = None
    time.sleep(0.02)
tell("over")

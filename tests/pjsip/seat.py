"""The phone of a seat made of PJSIP (pjsua2): plays a file to the caller, keeps what it hears.

seat.py GATEWAY TRANSPORT AUTHORITY-FILE USER PASSWORD REALM OWN-ADDRESS PLAY.wav RECORD.wav
Tells events as JSON lines; takes the lines `answer`, `hold`, `resume`, `event KEYS`, `info KEYS`
(presses keys by RFC 4733, by SIP INFO), `bye`, `quit`.
"""

import json
import os
import sys
import threading

import pjsua2 as pj

gateway, transport, authority, user, password, realm, address, play, record = sys.argv[1:]
call = None
sound = {}
kinds = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}


def tell(event, **more):
    # At one go: its threads tell as well.
    os.write(1, (json.dumps({"event": event, **more}) + "\n").encode())


class Call(pj.Call):
    def onCallState(self, prm):
        info = self.getInfo()
        tell(info.stateText.lower(), status=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            # The file is complete when its recorder is gone.
            sound.clear()
            tell("over")

    def onCallMediaState(self, prm):
        info = self.getInfo()
        media = next(m for m in info.media if m.type == pj.PJMEDIA_TYPE_AUDIO)
        tell("media", held=media.status != pj.PJSUA_CALL_MEDIA_ACTIVE)
        if media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
            audio = self.getAudioMedia(-1)
            if not sound:
                sound["play"] = pj.AudioMediaPlayer()
                sound["play"].createPlayer(play)
                sound["record"] = pj.AudioMediaRecorder()
                sound["record"].createRecorder(record)
            sound["play"].startTransmit(audio)
            audio.startTransmit(sound["record"])


class Account(pj.Account):
    def onRegState(self, prm):
        tell("registered" if prm.code == 200 else "refused", status=prm.code)

    def onIncomingCall(self, prm):
        global call
        call = Call(self, prm.callId)
        tell("rings", request=prm.rdata.wholeMsg)


endpoint = pj.Endpoint()
endpoint.libCreate()
config = pj.EpConfig()
config.logConfig.level = 0
config.logConfig.consoleLevel = 0
# The bridge runs at the rate of the files; no echo is taken out of a tone; silence is sent.
config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
config.medConfig.ecTailLen = 0
config.medConfig.noVad = True
# Callbacks come in this thread only, between two lines.
config.uaConfig.threadCnt = 0
config.uaConfig.mainThreadOnly = True
endpoint.libInit(config)
endpoint.audDevManager().setNullDev()
way = pj.TransportConfig()
way.boundAddress = address
way.tlsConfig.CaListFile = authority
way.tlsConfig.verifyServer = True
endpoint.transportCreate(kinds[transport], way)
endpoint.libStart()

own = pj.AccountConfig()
own.idUri = f"sip:{user}@{realm}"
own.regConfig.registrarUri = f"sip:{gateway};transport={transport}"
own.regConfig.timeoutSec = 300
own.sipConfig.authCreds.append(pj.AuthCredInfo("digest", realm, user, 0, password))
own.sipConfig.proxies.append(f"sip:{gateway};transport={transport};lr")
own.mediaConfig.transportConfig.boundAddress = address
account = Account()
account.create(own)

lines = []


def read():
    for line in sys.stdin:
        lines.append(line.strip())
    lines.append("quit")


threading.Thread(target=read, daemon=True).start()
while True:
    endpoint.libHandleEvents(20)
    word, _, keys = (lines.pop(0) if lines else "").partition(" ")
    prm = pj.CallOpParam(True)
    if word == "answer":
        prm.statusCode = 200
        call.answer(prm)
    elif word == "hold":
        call.setHold(pj.CallOpParam())
    elif word == "resume":
        prm.opt.flag = pj.PJSUA_CALL_UNHOLD
        call.reinvite(prm)
    elif word in ("event", "info"):
        press = pj.CallSendDtmfParam()
        info = word == "info"
        press.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if info else pj.PJSUA_DTMF_METHOD_RFC2833
        press.digits = keys
        call.sendDtmf(press)
    elif word == "bye":
        call.hangup(pj.CallOpParam())
    elif word == "quit":
        break
# What is left of the library's objects must not outlive it.
call = None
sound.clear()
account.shutdown()
account = None
endpoint.libDestroy()

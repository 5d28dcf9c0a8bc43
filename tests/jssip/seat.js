// The phone of a seat: JsSIP, as a browser runs it, on a WebSocket of Node. Its signalling is real;
// the peer connection of a browser is replaced by one that names an audio socket of the test.
//
// node seat.js WSS-URL AUTHORITY-FILE USER PASSWORD DOMAIN AUDIO-ADDRESS AUDIO-PORT
// Tells events as JSON lines; takes the lines `answer`, `call URI`, `bye`, `cut`.
'use strict';

const fs = require('fs');
const readline = require('readline');
const WebSocket = require('ws');

const [url, authority, user, password, domain, address, port] = process.argv.slice(2);

const tell = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

const description = () =>
  `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\n` +
  `m=audio ${port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n`;

// What JsSIP uses of a browser's peer connection.
class PeerConnection extends EventTarget {
  signalingState = 'stable';
  iceGatheringState = 'complete';
  iceConnectionState = 'connected';
  localDescription = null;

  addTrack() {}
  getSenders() { return []; }
  getReceivers() { return []; }
  close() { this.signalingState = 'closed'; }
  async createOffer() { return { type: 'offer', sdp: description() }; }
  async createAnswer() { return { type: 'answer', sdp: description() }; }

  async setLocalDescription(local) {
    this.localDescription = local;
    this.signalingState = local.type === 'offer' ? 'have-local-offer' : 'stable';
  }

  async setRemoteDescription(remote) {
    this.signalingState = remote.type === 'offer' ? 'have-remote-offer' : 'stable';
    const audio = /^m=audio (\d+) /m.exec(remote.sdp);
    const host = /^c=IN IP4 (\S+)/m.exec(remote.sdp);
    tell('media', { type: remote.type, media: `${host[1]}:${audio[1]}` });
  }
}

globalThis.window = globalThis;
globalThis.RTCPeerConnection = PeerConnection;
globalThis.RTCSessionDescription = class { constructor(from) { Object.assign(this, from); } };

const JsSIP = require('jssip');

// JsSIP's socket interface on `ws`: its own needs a browser's WebSocket, which takes no authority.
class Socket {
  url = url;
  via_transport = 'WSS';
  sip_uri = `sip:${new URL(url).host};transport=ws`;

  connect() {
    this.ws = new WebSocket(url, 'sip', { ca: fs.readFileSync(authority) });
    this.ws.on('open', () => { tell('open', { protocol: this.ws.protocol }); this.onconnect(); });
    this.ws.on('close', (code, why) => this.ondisconnect(code !== 1000, code, String(why)));
    this.ws.on('error', (error) => tell('error', { message: error.message }));
    this.ws.on('message', (data, binary) => this.ondata(binary ? data : String(data)));
  }

  disconnect() { this.ws.close(); }
  isConnected() { return this.ws?.readyState === WebSocket.OPEN; }
  isConnecting() { return this.ws?.readyState === WebSocket.CONNECTING; }

  send(message) {
    if (!this.isConnected()) return false;
    this.ws.send(message);
    return true;
  }
}

const stream = { mediaStream: { getTracks: () => [] } };
const socket = new Socket();
const ua = new JsSIP.UA({
  sockets: [socket],
  uri: `sip:${user}@${domain}`,
  password,
  register_expires: 300,
  connection_recovery_min_interval: 1,
});
let session;

const watch = (started) => {
  session = started;
  for (const event of ['progress', 'accepted', 'confirmed', 'ended', 'failed']) {
    session.on(event, ({ originator, cause, response }) =>
      tell(event, { originator, cause, status: response?.status_code }));
  }
};

ua.on('registered', ({ response }) => tell('registered', { status: response.status_code }));
ua.on('registrationFailed', ({ cause }) => tell('registrationFailed', { cause }));
ua.on('newRTCSession', ({ session: started, originator, request }) => {
  watch(started);
  tell('session', { originator, request: request.data ?? String(request) });
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, uri] = line.split(' ');
  if (word === 'answer') session.answer(stream);
  if (word === 'call') ua.call(uri, stream);
  if (word === 'bye') session.terminate();
  // The network is gone, and back a second later.
  if (word === 'cut') socket.ws.terminate();
}).on('close', () => process.exit(0));

ua.start();

// What runs in the browser: the phone of a seat, as an operator's page has it, with ears that can tell
// one tone from another.
'use strict';

const JsSIP = require('jssip');

const tell = (event, more = {}) => window.tell({ event, ...more });
const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const audio = document.createElement('audio');
audio.autoplay = true;
document.body.append(audio);

let ua;
let session;
let context;

window.onerror = (message) => tell('error', { message: String(message) });
window.onunhandledrejection = ({ reason }) => tell('error', { message: String(reason) });

const hear = (connection) => {
  connection.addEventListener('track', ({ streams }) => { audio.srcObject = streams[0]; });
  connection.addEventListener('connectionstatechange', () =>
    tell('connection', { state: connection.connectionState }));
};

const watch = (started) => {
  session = started;
  if (session.connection) hear(session.connection);
  session.on('peerconnection', ({ peerconnection }) => hear(peerconnection));
  for (const event of ['progress', 'accepted', 'confirmed', 'ended', 'failed', 'hold', 'unhold']) {
    session.on(event, (more) => tell(event, { originator: more?.originator, cause: more?.cause }));
  }
};

// Which part of the power of what is heard in the next second is a tone.
const share = async (hertz) => {
  context ??= new AudioContext();
  await context.resume();
  const source = context.createMediaStreamSource(audio.srcObject);
  const ear = context.createScriptProcessor(4096, 1, 1);
  const pieces = [];
  const done = new Promise((resolve) => {
    ear.onaudioprocess = ({ inputBuffer }) => {
      pieces.push(Float32Array.from(inputBuffer.getChannelData(0)));
      if (pieces.length * 4096 > context.sampleRate * 1.5) resolve();
    };
  });
  source.connect(ear);
  ear.connect(context.destination);
  await done;
  source.disconnect();
  ear.disconnect();
  const turn = 2 * Math.cos((2 * Math.PI * hertz) / context.sampleRate);
  let [tone, all] = [0, Number.EPSILON];
  for (const piece of pieces) {
    let [last, before] = [0, 0];
    for (const sample of piece) {
      [last, before] = [sample + turn * last - before, last];
      all += sample * sample;
    }
    tone += (2 * (last * last + before * before - turn * last * before)) / piece.length;
  }
  return { share: tone / all, level: Math.sqrt(all / (pieces.length * 4096)) };
};

const codec = async () => {
  const stats = [...(await session.connection.getStats()).values()];
  const inbound = stats.find((it) => it.type === 'inbound-rtp');
  const transport = stats.find((it) => it.type === 'transport');
  return {
    codec: stats.find((it) => it.id === inbound?.codecId)?.mimeType,
    srtp: transport?.srtpCipher,
    dtls: transport?.tlsVersion,
    pair: stats.find((it) => it.id === transport?.selectedCandidatePairId)?.state,
    logins: [session.connection.localDescription, session.connection.remoteDescription]
      .map(({ sdp }) => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1]),
    ice: session.connection.iceConnectionState,
    lost: inbound?.packetsLost,
  };
};

window.seat = {
  open({ url, user, password, domain }) {
    ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: `sip:${user}@${domain}`,
      password,
      register_expires: 300,
    });
    ua.on('registered', () => tell('registered'));
    ua.on('registrationFailed', ({ cause }) => tell('registrationFailed', { cause }));
    ua.on('newRTCSession', ({ session: started, originator }) => {
      watch(started);
      tell('session', { originator });
    });
    ua.start();
  },
  answer: () => session.answer({ mediaConstraints: { audio: plain, video: false } }),
  call: (uri) => ua.call(uri, { mediaConstraints: { audio: plain, video: false } }),
  bye: () => session.terminate(),
  hold: () => session.hold({}, () => tell('held')),
  unhold: () => session.unhold({}, () => tell('unheld')),
  mute: () => session.mute({ audio: true }),
  unmute: () => session.unmute({ audio: true }),
  key: (tone) => session.sendDTMF(tone, { transportType: 'RFC2833' }),
  info: (tone) => session.sendDTMF(tone, { transportType: 'INFO' }),
  restart: () => session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, () => tell('restarted')),
  hear: async (hertz) => tell('heard', await share(Number(hertz))),
  stats: async () => tell('stats', await codec()),
};

/**
 * The phone in the browser: JsSIP on the gateway's WebSocket. It follows the call; the page shows what
 * the gateway's live state says, so that a desk phone beside it is shown as well.
 * It must never end a call by itself: not at a lock, a reload or a lost connection.
 */
import { signal } from '@preact/signals';
import JsSIP, { type Session } from 'jssip';
import { read, write } from '../../kept';

/** What a phone needs to sign in at the gateway. */
export interface Account {
  ws_url: string;
  user: string;
  domain: string;
  realm: string;
  ha1: string;
}

export type PhoneState = 'off' | 'connecting' | 'registered' | 'refused' | 'lost';
export const phone = signal<PhoneState>('off');

/** The call in this browser. */
export interface Talk {
  direction: 'incoming' | 'outgoing';
  state: 'ringing' | 'talking';
  held: boolean;
  muted: boolean;
}
export const talk = signal<Talk | null>(null);
/** The browser gives no microphone; why. */
export const noMicrophone = signal<string | null>(null);

/** Which microphone and which speaker; empty: the browser's own choice. */
export const microphone = signal(read('microphone') ?? '');
export const speaker = signal(read('speaker') ?? '');

const DIALOG = 'siaga112.dialog';

const audio = document.createElement('audio');
audio.autoplay = true;

let ua: InstanceType<typeof JsSIP.UA> | null = null;
let session: Session | null = null;
let account: Account | null = null;

const media = () => ({
  mediaConstraints: {
    audio: microphone.value ? { deviceId: { ideal: microphone.value } } : true,
    video: false,
  },
  // The gateway tells its own address; there is nobody to ask outside.
  pcConfig: { iceServers: [] },
});

export function chooseMicrophone(id: string): void {
  microphone.value = id;
  write('microphone', id || null);
}

export function chooseSpeaker(id: string): void {
  speaker.value = id;
  write('speaker', id || null);
  if ('setSinkId' in audio) audio.setSinkId(id).catch(() => {});
}

function change(to: Partial<Talk>): void {
  if (talk.value) talk.value = { ...talk.value, ...to };
}

/** What a page that is loaded anew in a call needs to go on with it. */
function remember(of: Session): void {
  const id = of._dialog?.id;
  if (id) sessionStorage.setItem(DIALOG, JSON.stringify(id));
}

function follow(started: Session): void {
  session = started;
  const hear = (connection: RTCPeerConnection) =>
    connection.addEventListener('track', ({ streams }) => {
      audio.srcObject = streams[0] ?? null;
    });
  if (started.connection) hear(started.connection);
  started.on('peerconnection', ({ peerconnection }) => {
    if (peerconnection) hear(peerconnection);
  });
  const over = () => {
    if (session !== started) return;
    session = null;
    talk.value = null;
    sessionStorage.removeItem(DIALOG);
  };
  started.on('accepted', () => {
    change({ state: 'talking' });
    remember(started);
  });
  started.on('confirmed', () => {
    change({ state: 'talking' });
    remember(started);
  });
  started.on('hold', ({ originator }) => originator === 'local' && change({ held: true }));
  started.on('unhold', ({ originator }) => originator === 'local' && change({ held: false }));
  started.on('getusermediafailed', () => {
    noMicrophone.value = 'refused';
  });
  started.on('ended', over);
  started.on('failed', over);
  talk.value = { direction: started.direction, state: 'ringing', held: false, muted: false };
}

/** Signs the phone in. */
export function startPhone(with_: Account): void {
  if (ua && account?.user === with_.user && account.ha1 === with_.ha1) return;
  stopPhone();
  account = with_;
  phone.value = 'connecting';
  const started = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(with_.ws_url)],
    uri: `sip:${with_.user}@${with_.domain}`,
    authorization_user: with_.user,
    realm: with_.realm,
    ha1: with_.ha1,
    register_expires: 120,
    session_timers: false,
    user_agent: 'Siaga112 page',
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 4,
  });
  ua = started;
  started.on('registered', () => {
    phone.value = 'registered';
  });
  started.on('registrationFailed', () => {
    phone.value = 'refused';
  });
  started.on('disconnected', () => {
    if (phone.value !== 'refused') phone.value = 'lost';
  });
  started.on('connected', () => {
    phone.value = 'connecting';
  });
  started.on('newRTCSession', ({ session: fresh }) => {
    if (!fresh) return;
    if (session && !session.isEnded()) {
      // A seat has one call at a time; the gateway offers it elsewhere.
      if (fresh.direction === 'incoming') fresh.terminate({ status_code: 486 });
      return;
    }
    follow(fresh);
  });
  started.start();
}

/** Signs the phone out. A call in it goes on until somebody hangs up. */
export function stopPhone(): void {
  if (session && !session.isEnded()) return;
  ua?.stop();
  ua = null;
  account = null;
  phone.value = 'off';
}

/**
 * Takes the call of this page back after it was loaded anew: the gateway gives the new dialog what the
 * old one had (RFC 3891). Returns whether there was one.
 */
export function takeBack(): boolean {
  const kept = sessionStorage.getItem(DIALOG);
  if (!kept || !ua || !account || session) return false;
  sessionStorage.removeItem(DIALOG);
  const { call_id, local_tag, remote_tag } = JSON.parse(kept) as Record<string, string>;
  // The tags as the gateway sees them: its own first.
  const replaces = `Replaces: ${call_id};to-tag=${remote_tag};from-tag=${local_tag}`;
  ua.call(`sip:112@${account.domain}`, { ...media(), extraHeaders: [replaces] });
  return true;
}

export function answer(): void {
  if (talk.value?.state === 'ringing' && talk.value.direction === 'incoming')
    session?.answer(media());
}

export function hangUp(): void {
  session?.terminate();
}

export function toggleHold(): void {
  if (!session || !talk.value) return;
  if (talk.value.held) session.unhold();
  else session.hold();
}

export function toggleMute(): void {
  if (!session || !talk.value) return;
  if (talk.value.muted) session.unmute({ audio: true });
  else session.mute({ audio: true });
  change({ muted: !talk.value.muted });
}

export function press(key: string): void {
  session?.sendDTMF(key, { transportType: 'RFC2833' });
}

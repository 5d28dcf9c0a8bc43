/**
 * The ring: made here, so that nothing has to be loaded; repeated until somebody takes the call. Also
 * the title of a hidden page flashes, and the system tells of it when it may.
 */
import { signal } from '@preact/signals';
import { read, write } from '../../kept';

/** 10 to 100: a ring cannot be switched off. */
export const volume = signal(Math.max(10, Math.min(100, Number(read('ring') ?? 80))));

export function setVolume(to: number): void {
  volume.value = Math.max(10, Math.min(100, Math.round(to)));
  write('ring', String(volume.value));
}

/** The browser lets no sound out before somebody has pressed something on the page. */
export const silenced = signal(false);

let context: AudioContext | null = null;
/** What all sounds of a page are made with. */
export const sound = () => {
  context ??= new AudioContext();
  return context;
};

/** Asks for leave to make sound and to tell of calls; to be called when something was pressed. */
export function allow(): void {
  sound()
    .resume()
    .then(() => {
      silenced.value = false;
    })
    .catch(() => {});
  if ('Notification' in window && Notification.permission === 'default') {
    Notification.requestPermission().catch(() => {});
  }
}

/** One stroke of a sound. */
export function tone(
  at: number,
  hertz: number,
  seconds: number,
  loud: number,
  to?: AudioNode,
): void {
  const from = sound();
  const source = from.createOscillator();
  const gain = from.createGain();
  source.type = 'triangle';
  source.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loud, at + 0.02);
  gain.gain.setValueAtTime(loud, at + seconds - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + seconds);
  source.connect(gain).connect(to ?? from.destination);
  source.start(at);
  source.stop(at + seconds);
}

/** The sound, awake; where the browser holds it back the page is told. */
export function awake(): AudioContext {
  const from = sound();
  if (from.state !== 'running') {
    silenced.value = true;
    from.resume().then(
      () => {
        silenced.value = false;
      },
      () => {},
    );
  }
  return from;
}

function once(): void {
  const from = awake();
  const loud = volume.value / 100;
  // Two high strokes and a low one: it stands out of talk.
  tone(from.currentTime + 0.05, 880, 0.22, loud);
  tone(from.currentTime + 0.32, 1175, 0.22, loud);
  tone(from.currentTime + 0.59, 660, 0.3, loud);
}

/** Rings once, to be tried. */
export const ringOnce = once;

/** A soft tone of two seconds in the speaker, to be tried. */
export function testTone(): void {
  const from = sound();
  from.resume().catch(() => {});
  tone(from.currentTime + 0.05, 440, 1.5, 0.3);
}

const EVERY_MS = 1600;
let timer: number | undefined;
let note: Notification | null = null;
const title = document.title;

/** Rings until {@link stopRinging}. */
export function startRinging(words: string): void {
  if (timer !== undefined) return;
  once();
  let odd = false;
  timer = window.setInterval(() => {
    once();
    odd = !odd;
    document.title = odd ? `(!) ${words}` : title;
  }, EVERY_MS);
  if (document.hidden && 'Notification' in window && Notification.permission === 'granted') {
    // No number in it: the system's list of notifications is not ours.
    note = new Notification(title, { body: words, requireInteraction: true, tag: 'siaga112-call' });
    note.onclick = () => window.focus();
  }
}

export function stopRinging(): void {
  window.clearInterval(timer);
  timer = undefined;
  document.title = title;
  note?.close();
  note = null;
}

/** What the wall board says, made of the live state. Values in, values out. */
import type { LiveCall, LiveSeat, LiveTrunk } from '../../api/types';
import type { Tone } from '../../components/badge';

/** Lanes in the order in which they are served. */
export const LANES = ['usual', 'silent', 'nuisance'] as const;
export type Lane = (typeof LANES)[number];

const WAITING = new Set(['arriving', 'waiting', 'ringing']);
const byArrival = (a: LiveCall, b: LiveCall) =>
  Date.parse(a.received_at) - Date.parse(b.received_at);

/** Who waits for a person, who waits longest first. */
export const waiting = (calls: readonly LiveCall[]): LiveCall[] =>
  calls.filter((call) => WAITING.has(call.state)).sort(byArrival);

/** Who talks, the longest first. */
export const talking = (calls: readonly LiveCall[]): LiveCall[] =>
  calls.filter((call) => call.state === 'talking').sort(byArrival);

/** Who waits in a lane; a lane that this page does not know counts as usual, so that nobody is hidden. */
export const inLane = (calls: readonly LiveCall[], lane: Lane): LiveCall[] =>
  waiting(calls).filter((call) =>
    lane === 'usual' ? call.lane !== 'silent' && call.lane !== 'nuisance' : call.lane === lane,
  );

/** How serious a wait is. */
export function waitTone(seconds: number): Tone {
  if (seconds < 10) return 'good';
  return seconds < 20 ? 'warn' : 'bad';
}

/** `83 %`; a dash where nothing can be said. */
export const percent = (share: number | null | undefined): string =>
  share == null ? '–' : `${Math.round(share * 100)} %`;

/** Milliseconds as `3.4 s`; a dash where nothing can be said. */
export const seconds = (ms: number | null | undefined): string =>
  ms == null ? '–' : `${(ms / 1000).toFixed(1)} s`;

/** A share beside its goal of 90 %. */
export function goalTone(share: number | null | undefined): Tone {
  if (share == null) return 'plain';
  if (share >= 0.9) return 'good';
  return share >= 0.8 ? 'warn' : 'bad';
}

/** A trunk: its outgoing side where it has one, else whether it was heard at all. */
export function trunkState(trunk: LiveTrunk): 'up' | 'degraded' | 'down' | 'unknown' | 'silent' {
  const state = trunk.line?.state;
  if (state === 'up' || state === 'degraded' || state === 'down') return state;
  if (state !== undefined) return 'unknown';
  return trunk.last_heard_seconds == null ? 'silent' : 'up';
}

export const TRUNK_TONES: Record<ReturnType<typeof trunkState>, Tone> = {
  up: 'good',
  degraded: 'warn',
  down: 'bad',
  unknown: 'plain',
  silent: 'plain',
};

/** The queues of a seat that nobody else would serve if it were paused. */
export function servedAlone(seat: LiveSeat, seats: readonly LiveSeat[]): string[] {
  const others = seats.filter(
    (other) => other.id !== seat.id && other.state !== 'paused' && other.state !== 'signed-out',
  );
  return seat.queues.filter((queue) => !others.some((other) => other.queues.includes(queue)));
}

/** What a caller is called on the board. */
export const callerName = (call: LiveCall): string =>
  call.who?.name || call.who?.number || call.caller || call.who?.raw || '';

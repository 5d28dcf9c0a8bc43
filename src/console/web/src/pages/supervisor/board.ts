// What the wall board says, made of the live state. Values in, values out.

import type { components } from '../../api/schema';

type Schemas = components['schemas'];
export type Call = Schemas['LiveCall'];
export type Seat = Schemas['LiveSeat'];
export type Queue = Schemas['LiveQueue'];
export type Trunk = Schemas['LiveTrunk'];

/** Lanes in the order in which they are served. */
export const LANES = ['usual', 'silent', 'nuisance'] as const;
export type Lane = (typeof LANES)[number];

const WAITING = new Set(['arriving', 'waiting', 'ringing']);

/** Who waits for a person, the one who waits longest first. */
export function waiting(calls: readonly Call[]): Call[] {
  return calls
    .filter((call) => WAITING.has(call.state))
    .sort((a, b) => Date.parse(a.received_at) - Date.parse(b.received_at));
}

/** Who waits, by lane; every lane is there. */
export function byLane(calls: readonly Call[]): Record<Lane, Call[]> {
  const lanes: Record<Lane, Call[]> = { usual: [], silent: [], nuisance: [] };
  for (const call of waiting(calls)) (lanes[call.lane as Lane] ?? lanes.usual).push(call);
  return lanes;
}

/** Who talks, the longest talk first. */
export function talking(calls: readonly Call[]): Call[] {
  return calls
    .filter((call) => call.state === 'talking')
    .sort((a, b) => Date.parse(a.received_at) - Date.parse(b.received_at));
}

/** How serious a wait is: colour and word follow from it. */
export function gravity(seconds: number): 'good' | 'late' | 'bad' {
  if (seconds < 10) return 'good';
  return seconds < 20 ? 'late' : 'bad';
}

/** The state of a seat in one of six groups, for its sign. */
export function seatGroup(state: string): 'free' | 'ringing' | 'talking' | 'after' | 'paused' | 'away' {
  switch (state) {
    case 'ready':
      return 'free';
    case 'offered':
    case 'ringing':
      return 'ringing';
    case 'talking':
    case 'hold':
    case 'engaged':
      return 'talking';
    case 'wrap-up':
    case 'resting':
      return 'after';
    case 'paused':
      return 'paused';
    default:
      return 'away';
  }
}

/** How many seats are in each group. */
export function seatCounts(seats: readonly Seat[]): Record<ReturnType<typeof seatGroup>, number> {
  const counts = { free: 0, ringing: 0, talking: 0, after: 0, paused: 0, away: 0 };
  for (const seat of seats) counts[seatGroup(seat.state)] += 1;
  return counts;
}

/** `1:05`, and `1:02:03` from an hour on. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `83 %`; a dash where nothing can be said. */
export function percent(share: number | null | undefined): string {
  return share == null ? '–' : `${Math.round(share * 100)} %`;
}

/** How a trunk is: its outgoing side where it has one, else whether it was heard of late. */
export function trunkState(trunk: Trunk): 'up' | 'degraded' | 'down' | 'unknown' | 'silent' {
  const state = trunk.line?.state;
  if (state === 'up' || state === 'degraded' || state === 'down') return state;
  if (state !== undefined) return 'unknown';
  return trunk.last_heard_seconds == null ? 'silent' : 'up';
}

/**
 * What is written in a form and not yet in the gateway, as this browser keeps it: field by field, so that
 * two pages of one person take nothing from each other, and nothing goes but what the gateway has.
 */
import { keys, read, write } from '../../kept';
import { me } from '../../session';

/** A value of the form: a text, a number, or an object (coordinates, what an agency was told). */
export type Value = string | number | Record<string, unknown> | null;
export type Values = Record<string, Value>;

export interface Kept {
  /** The version that was seen when it was written. */
  version: number;
  changes: Values;
}

const prefix = () => `draft.${me.peek()?.name ?? ''}.`;
const key = (incident: string) => prefix() + incident;
/** The newest version that this browser has saved of a record, until the gateway shows it. */
const savedKey = (incident: string) => `saved.${me.peek()?.name ?? ''}.${incident}`;

export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** What is kept of a record. */
export function kept(incident: string): Kept | null {
  const text = read(key(incident));
  if (!text) return null;
  try {
    return JSON.parse(text) as Kept;
  } catch {
    return null;
  }
}

function put(incident: string, version: number, changes: Values): void {
  const left = Object.keys(changes).length > 0;
  write(key(incident), left ? JSON.stringify({ version, changes } satisfies Kept) : null);
}

/** Keeps one field; undefined forgets it. */
export function keepField(
  incident: string,
  version: number,
  field: string,
  value: Value | undefined,
): void {
  const changes = { ...kept(incident)?.changes };
  if (value === undefined) delete changes[field];
  else changes[field] = value;
  put(incident, version, changes);
}

/** Forgets what was sent, where it still is what was sent: what was typed on meanwhile stays. */
export function forgetSent(incident: string, version: number, sent: Values): void {
  const changes = { ...kept(incident)?.changes };
  for (const [field, value] of Object.entries(sent)) {
    if (same(changes[field], value)) delete changes[field];
  }
  put(incident, version, changes);
}

/** Forgets all of it. */
export const forget = (incident: string) => write(key(incident), null);

/** Records of which something is kept here. */
export function allKept(): string[] {
  // Names of people may hold a dot, numbers of records do not.
  const found = keys(prefix()).map((one) => one.slice(prefix().length));
  return found.filter((incident) => !incident.includes('.'));
}

/** The newest version that was saved from here and that the gateway may not show yet; 0: none. */
export const newest = (incident: string) => Number(read(savedKey(incident)) ?? 0);
export const noteNewest = (incident: string, version: number | null) =>
  write(savedKey(incident), version === null ? null : String(version));

/**
 * What is written in a form and not yet in the gateway, as this browser keeps it: field by field, so that
 * two pages of one person take nothing from each other, and nothing goes but what the gateway has.
 */
import { read, write } from '../../kept';
import { me } from '../../session';
import * as vault from '../../vault';

/** A value of the form: a text, a number, or an object (coordinates, what an agency was told). */
export type Value = string | number | Record<string, unknown> | null;
export type Values = Record<string, Value>;

export interface Kept {
  /** The version that was seen when it was written. */
  version: number;
  changes: Values;
}

const PREFIX = 'draft.';
const key = (incident: string) => PREFIX + incident;
/** The newest version that this browser has saved of a record, until the gateway shows it. */
const savedKey = (incident: string) => `saved.${me.peek()?.name ?? ''}.${incident}`;

export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** One change after the other: each builds on the one before. */
let last: Promise<void> = Promise.resolve();

const stored = async (incident: string) => (await vault.get(key(incident))) as Kept | null;

/** What is kept of a record, after all that was done to it until now. */
export async function kept(incident: string): Promise<Kept | null> {
  await last;
  return stored(incident);
}

function change(incident: string, version: number, edit: (changes: Values) => void): void {
  last = last
    .then(async () => {
      const changes = { ...(await stored(incident))?.changes };
      edit(changes);
      const left = Object.keys(changes).length > 0;
      vault.put(key(incident), left ? ({ version, changes } satisfies Kept) : null);
    })
    .catch(() => {});
}

/** Keeps one field; undefined forgets it. */
export function keepField(
  incident: string,
  version: number,
  field: string,
  value: Value | undefined,
): void {
  change(incident, version, (changes) => {
    if (value === undefined) delete changes[field];
    else changes[field] = value;
  });
}

/** Forgets what was sent, where it still is what was sent: what was typed on meanwhile stays. */
export function forgetSent(incident: string, version: number, sent: Values): void {
  change(incident, version, (changes) => {
    for (const [field, value] of Object.entries(sent)) {
      if (same(changes[field], value)) delete changes[field];
    }
  });
}

/** Forgets all of it. */
export const forget = (incident: string) =>
  change(incident, 0, (changes) => {
    for (const field of Object.keys(changes)) delete changes[field];
  });

/** Records of which something is kept here. */
export const allKept = async () =>
  (await vault.names(PREFIX)).map((name) => name.slice(PREFIX.length));

/** The newest version that was saved from here and that the gateway may not show yet; 0: none. */
export const newest = (incident: string) => Number(read(savedKey(incident)) ?? 0);
export const noteNewest = (incident: string, version: number | null) =>
  write(savedKey(incident), version === null ? null : String(version));

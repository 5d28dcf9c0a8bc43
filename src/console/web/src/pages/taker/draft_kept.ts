/**
 * What is written in a form and not yet in the gateway, as this browser keeps it under lock: field by field, so that
 * two pages of one person take nothing from each other, and nothing goes but what the gateway has.
 */
import { read, write } from '../../kept';
import { me } from '../../session';
import * as vault from '../../vault';

/** A value of the form: a text, a number, or an object (coordinates, what an agency was told). */
export type Value = string | number | Record<string, unknown> | null;
export type Values = Record<string, Value>;

export interface Kept {
  /** The oldest version that was seen when it was written. */
  version: number;
  changes: Values;
}

interface Word {
  version: number;
  value: Value;
}

const PREFIX = 'draft.';
const prefix = (incident: string) => `${PREFIX}${incident}.`;
/** The newest version that this browser has saved of a record, until the gateway shows it. */
const savedKey = (incident: string) => `saved.${me.peek()?.name ?? ''}.${incident}`;

export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

const wordOf = async (name: string) => (await vault.get(name)) as Word | null;

/** What is kept of a record. */
export async function kept(incident: string): Promise<Kept | null> {
  const found: Kept = { version: Number.MAX_SAFE_INTEGER, changes: {} };
  for (const name of await vault.names(prefix(incident))) {
    const word = await wordOf(name);
    if (!word) continue;
    found.version = Math.min(found.version, word.version);
    found.changes[name.slice(prefix(incident).length)] = word.value;
  }
  return Object.keys(found.changes).length > 0 ? found : null;
}

/** Keeps one field; undefined forgets it. */
export function keepField(
  incident: string,
  version: number,
  field: string,
  value: Value | undefined,
): void {
  const word = value === undefined ? null : ({ version, value } satisfies Word);
  vault.put(prefix(incident) + field, word);
}

/** Forgets what was sent, where it still is what was sent: what was typed on meanwhile stays. */
export async function forgetSent(
  incident: string,
  sent: Values,
  /** Whether this page has a newer word for a field by then. */
  typedOn: (field: string) => boolean = () => false,
): Promise<void> {
  for (const [field, value] of Object.entries(sent)) {
    const name = prefix(incident) + field;
    const word = await wordOf(name);
    if (word && same(word.value, value) && !typedOn(field)) vault.put(name, null);
  }
}

/** Forgets all of it. */
export async function forget(incident: string): Promise<void> {
  for (const name of await vault.names(prefix(incident))) vault.put(name, null);
}

/** Records of which something is kept here. */
export async function allKept(): Promise<string[]> {
  const found = (await vault.names(PREFIX)).map((name) => name.slice(PREFIX.length));
  return [...new Set(found.map((one) => one.slice(0, one.indexOf('.'))))];
}

/** The newest version that was saved from here and that the gateway may not show yet; 0: none. */
export const newest = (incident: string) => Number(read(savedKey(incident)) ?? 0);
export const noteNewest = (incident: string, version: number | null) =>
  write(savedKey(incident), version === null ? null : String(version));

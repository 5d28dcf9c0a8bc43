/**
 * What was typed here and the gateway does not have yet, kept in this browser so that neither a reload nor a crash loses
 * it, and locked (AES-GCM) by a key that only a session of the person who typed it yields: whoever sits down next finds
 * nothing to read. Without a key (the gateway is away, or the page came over plain HTTP) it stays in this page's memory;
 * nothing is ever written in the open.
 */
import { effect, signal } from '@preact/signals';
import { api, ask } from './api/client';
import { me } from './session';

const STORE = 'kept';
const AGAIN_MS = 3000;
const IV_BYTES = 12;

interface Locked {
  iv: Uint8Array<ArrayBuffer>;
  words: ArrayBuffer;
}

let opening: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const asked = indexedDB.open('siaga112', 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opening;
}

/** One step in the store; `strict`: it is on disk when it is done. */
async function step<T>(
  mode: IDBTransactionMode,
  run: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = (await database()).transaction(STORE, mode, { durability: 'strict' });
  const asked = run(transaction.objectStore(STORE));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** The key, and whose it is. */
let key: { person: string; key: CryptoKey } | null = null;
/** Names whose newest value is not on disk yet; null: nothing is to be kept. */
const waiting = new Map<string, unknown>();
let writing = false;

/** Whether what is typed is kept over a crash of the browser. */
export const keeps = signal(false);

const at = (person: string, name: string) => `${person}/${name}`;

/** Keeps a value, or forgets it (null). The newest of a name counts. */
export function put(name: string, value: unknown): void {
  waiting.set(name, value);
  write().catch(() => {});
}

async function write(): Promise<void> {
  const held = key;
  if (writing || !held) return;
  writing = true;
  try {
    for (const [name, value] of waiting) {
      if (value === null) await step('readwrite', (store) => store.delete(at(held.person, name)));
      else {
        const locked = await lock(held, name, value);
        await step('readwrite', (store) => store.put(locked, at(held.person, name)));
      }
      // What was typed meanwhile is still to be written.
      if (waiting.get(name) === value) waiting.delete(name);
    }
  } finally {
    writing = false;
  }
  if (waiting.size > 0) await write();
}

async function lock(held: NonNullable<typeof key>, name: string, value: unknown): Promise<Locked> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const additionalData = new TextEncoder().encode(at(held.person, name));
  const words = new TextEncoder().encode(JSON.stringify(value));
  const how = { name: 'AES-GCM', iv, additionalData };
  return { iv, words: await crypto.subtle.encrypt(how, held.key, words) };
}

/** What was kept under a name, by the same person; null: nothing, or nothing that can be read. */
export async function get(name: string): Promise<unknown> {
  if (waiting.has(name)) return waiting.get(name);
  await first;
  const held = key;
  if (!held) return null;
  try {
    const locked = (await step('readonly', (store) => store.get(at(held.person, name)))) as
      | Locked
      | undefined;
    if (!locked) return null;
    const additionalData = new TextEncoder().encode(at(held.person, name));
    const how = { name: 'AES-GCM', iv: locked.iv, additionalData };
    const words = await crypto.subtle.decrypt(how, held.key, locked.words);
    return JSON.parse(new TextDecoder().decode(words));
  } catch {
    return null;
  }
}

/** Names that begin so and under which something of the same person is kept. */
export async function names(prefix: string): Promise<string[]> {
  await first;
  const found = new Set<string>();
  const held = key;
  if (held) {
    const begin = at(held.person, prefix);
    const range = IDBKeyRange.bound(begin, `${begin}\uffff`);
    const all = await step('readonly', (store) => store.getAllKeys(range));
    for (const one of all) found.add(String(one).slice(at(held.person, '').length));
  }
  for (const [name, value] of waiting) {
    if (name.startsWith(prefix)) value === null ? found.delete(name) : found.add(name);
  }
  return [...found];
}

async function fetchKey(person: string): Promise<void> {
  if (!crypto.subtle) return;
  const told = await ask(api.GET('/api/v1/me/draft-key'));
  const bits = Uint8Array.from(atob(told.key), (c) => c.charCodeAt(0));
  const made = await crypto.subtle.importKey('raw', bits, 'AES-GCM', false, ['encrypt', 'decrypt']);
  if (whose(me.peek()) !== person) return;
  key = { person, key: made };
  keeps.value = true;
  await write();
}

/** Whose words are kept now: a person's who is signed in, and whose page is not covered before it began. */
const whose = (who: typeof me.value) =>
  who?.session && !who.second_factor_missing ? who.name : null;

/** Done when the key was asked for once, whatever came of it. */
let first: Promise<void> = Promise.resolve();
let timer: number | undefined;

effect(() => {
  const person = whose(me.value);
  const covered = me.value?.locked ?? false;
  if (key && key.person !== person) {
    // Another person, or nobody: the words stay locked where they are.
    key = null;
    keeps.value = false;
    waiting.clear();
  }
  window.clearTimeout(timer);
  if (!person || covered || key) return;
  const fetch = (): Promise<void> =>
    fetchKey(person).catch(() => {
      timer = window.setTimeout(fetch, AGAIN_MS);
    });
  first = fetch();
});

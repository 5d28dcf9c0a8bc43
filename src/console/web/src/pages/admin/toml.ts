// Forms over TOML files. A change is written into the text that the admin has, so that comments, order and layout
// stay; what a form does not show it never touches. The parser is loaded with the first form.

import type * as Patcher from '@decimalturn/toml-patch';

/** A value of TOML, as plain data. */
export type Value = string | number | boolean | Value[] | { [key: string]: Value };
/** A table. */
export type Table = { [key: string]: Value };

let loading: Promise<typeof Patcher> | undefined;

/** Reads and writes texts. */
export class Toml {
  private constructor(private readonly patcher: typeof Patcher) {}

  static load(): Promise<Toml> {
    loading ??= import('@decimalturn/toml-patch');
    return loading.then((patcher) => new Toml(patcher));
  }

  /** The entries of `[[name]]`; undefined where the text is no TOML: then only the text can be edited. */
  entries(text: string, name: string): Table[] | undefined {
    const top = this.read(text);
    if (top === undefined) return undefined;
    const found = top[name];
    return Array.isArray(found) ? found.filter(isTable) : [];
  }

  /** Whether the text is TOML at all. */
  read(text: string): Table | undefined {
    try {
      return this.patcher.parse(text) as Table;
    } catch {
      return undefined;
    }
  }

  /** The text with one value of one entry changed; `undefined` takes the key out. A path is keys between dots. */
  set(text: string, name: string, index: number, path: string, value: Value | undefined): string {
    return this.change(text, name, (entries) => {
      const entry = entries[index];
      if (entry) put(entry, path.split('.'), value);
    });
  }

  /** The text with one entry more, at the end of its kind. */
  add(text: string, name: string, entry: Table): string {
    // By hand: a new block of lines is what a person would write, with every key on its own line.
    const lines = Object.entries(entry).map(([key, value]) => `${key} = ${inline(value)}`);
    const before = text.trimEnd();
    return `${before}${before === '' ? '' : '\n\n'}[[${name}]]\n${lines.join('\n')}\n`;
  }

  /** The text without an entry. */
  remove(text: string, name: string, index: number): string {
    return this.change(text, name, (entries) => entries.splice(index, 1));
  }

  private change(text: string, name: string, edit: (entries: Table[]) => void): string {
    const top = this.read(text);
    const entries = top?.[name];
    if (top === undefined || !Array.isArray(entries)) return text;
    edit(entries as Table[]);
    if (entries.length === 0) delete top[name];
    return this.patcher.patch(text, top);
  }
}

/** The value at a path. */
export function get(entry: Table, path: string): Value | undefined {
  let at: Value | undefined = entry;
  for (const key of path.split('.')) at = isTable(at) ? at[key] : undefined;
  return at;
}

function put(entry: Table, path: string[], value: Value | undefined): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length > 0) {
    const inner = entry[key];
    if (!isTable(inner) && value === undefined) return;
    const table: Table = isTable(inner) ? inner : {};
    entry[key] = table;
    put(table, rest, value);
  } else if (value === undefined) {
    delete entry[key];
  } else {
    entry[key] = value;
  }
}

/** Whether a value is a table. */
export function isTable(value: Value | undefined): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value on one line, as TOML. */
export function inline(value: Value): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (isTable(value)) {
    const pairs = Object.entries(value).map(
      ([key, inner]) => `${/^[\w-]+$/.test(key) ? key : quoted(key)} = ${inline(inner)}`,
    );
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  return String(value);
}

function quoted(text: string): string {
  // JSON's escapes are among those of TOML's basic strings; DEL is the one that JSON leaves alone.
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

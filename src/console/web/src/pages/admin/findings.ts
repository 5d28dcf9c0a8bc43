// Where a mistake of the configuration stands in the forms: from file, line and column to table, entry and key.
// It reads lines only and never judges: the gateway alone says what is wrong.

import { said } from '../../messages/said';

/** A mistake as the gateway tells it. */
export interface Finding {
  severity: string;
  file: string;
  line: number;
  column: number;
  what: string;
  mend: string;
}

/** What is wrong and how to mend it, in the reader's language. */
export const spoken = (finding: Finding): { what: string; mend: string } => ({
  what: said(finding.what),
  mend: said(finding.mend),
});

/** The place of a line in a TOML file. */
export interface Spot {
  /** Name of the `[[table]]`; empty above the first one. */
  table: string;
  /** Which of its entries, from 0. */
  index: number;
  /** The key, with the names of `[table.sub]` before it; empty at the header itself. */
  key: string;
}

const HEADER = /^\s*\[\[\s*([\w.-]+)\s*\]\]/;
const SECTION = /^\s*\[\s*([\w.-]+)\s*\]/;
const KEY = /^\s*(?:"([^"]+)"|([\w.-]+))\s*=/;

/** The spot of a line, counted from 1. */
export function spotOf(text: string, line: number): Spot {
  const spot: Spot = { table: '', index: -1, key: '' };
  const counts = new Map<string, number>();
  let sub = '';
  for (const written of text.split('\n').slice(0, line)) {
    const header = HEADER.exec(written)?.[1];
    const section = header === undefined ? SECTION.exec(written)?.[1] : undefined;
    const match = KEY.exec(written);
    const key = match?.[1] ?? match?.[2];
    if (header !== undefined) {
      const index = (counts.get(header) ?? -1) + 1;
      counts.set(header, index);
      Object.assign(spot, { table: header, index, key: '' });
      sub = '';
    } else if (section !== undefined) {
      sub = section.startsWith(`${spot.table}.`)
        ? `${section.slice(spot.table.length + 1)}.`
        : `${section}.`;
      spot.key = sub.slice(0, -1);
    } else if (key !== undefined) {
      spot.key = sub + key;
    }
  }
  return spot;
}

/** The findings of one entry, by key; those of a nested value stand at its key, those of the header at ''. */
export function findingsAt(
  findings: readonly Finding[],
  file: string,
  text: string,
  table: string,
  index: number,
): Map<string, Finding[]> {
  const by = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.file !== file || finding.line === 0) continue;
    const spot = spotOf(text, finding.line);
    if (spot.table !== table || spot.index !== index) continue;
    by.set(spot.key, [...(by.get(spot.key) ?? []), finding]);
  }
  return by;
}

/** The routing configuration: each file as forms and as text, what is wrong shown in place, and the way to apply it. */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Confirm } from '../../components/dialog';
import { TextArea } from '../../components/field';
import { Icon } from '../../components/icon';
import { Tabs } from '../../components/tabs';
import { inWords } from '../../components/toast';
import { DISPOSITIONS, disposition, t } from '../../messages';
import { Apply } from './apply';
import { isDirty, present } from './draft';
import { CALLOUT, FORMS, type TableName, tablesOf } from './fields';
import { type Finding, findingsAt, spoken, spotOf } from './findings';
import { FieldOf, type Names } from './form';
import { Moved } from './moved';
import {
  change,
  discard,
  draft,
  findings,
  judging,
  load,
  moved,
  restored,
  shown,
  text,
} from './policy';

import { type Table, Toml } from './toml';
import { severityWord, tableWord, w } from './words';

/** The file that is edited. */
export const file = signal('routing.toml');
const view = signal<'form' | 'text'>('form');
const toml = signal<Toml | null>(null);
const kecamatan = signal<{ value: string; label: string }[]>([]);
const agencies = signal<string[]>([]);

const position = (one: Finding) =>
  one.line === 0 ? one.file : w('position', { file: one.file, line: one.line, column: one.column });

/** Puts the cursor where a finding is. */
function goTo(one: Finding): void {
  file.value = one.file;
  view.value = 'text';
  requestAnimationFrame(() => {
    const area = document.querySelector<HTMLTextAreaElement>('textarea[data-file]');
    if (!area) return;
    const lines = area.value.split('\n');
    const start =
      lines.slice(0, Math.max(0, one.line - 1)).join('\n').length + (one.line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[one.line - 1]?.length ?? 0));
    area.scrollTop = Math.max(0, one.line - 5) * (area.scrollHeight / Math.max(1, lines.length));
  });
}

function FindingList({ of }: { of: readonly Finding[] }) {
  return (
    <ul class="list findings">
      {of.map((one) => (
        <li key={`${one.file}:${one.line}:${one.column}:${one.what}`} class={one.severity}>
          <Badge tone={one.severity === 'error' ? 'bad' : 'warn'}>
            {severityWord(one.severity)}
          </Badge>
          <span>
            <strong>{position(one)}</strong>: {spoken(one).what}.{' '}
            {w('mend', { mend: spoken(one).mend })}
          </span>
          {one.line > 0 && (
            <Button label={`${w('go_to')}: ${position(one)}`} onPress={() => goTo(one)}>
              {w('go_to')}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}

function Verdict() {
  const errors = findings.value.filter((one) => one.severity === 'error').length;
  const warnings = findings.value.length - errors;
  return (
    <div class="row" role="status">
      {judging.value ? (
        <span class="muted">{w('checking')}</span>
      ) : errors > 0 ? (
        <Badge tone="bad">{w('mistakes', { n: errors })}</Badge>
      ) : (
        <Badge tone="good">{w('good')}</Badge>
      )}
      {warnings > 0 && <Badge tone="warn">{w('warnings', { n: warnings })}</Badge>}
    </div>
  );
}

function Files() {
  const files = shown.value?.files ?? [];
  const names = [...new Set([...present(draft.value, files), CALLOUT])].sort();
  return (
    <nav class="files" aria-label={w('files')}>
      <ul>
        {[...names, ...(shown.value?.fixed.map(({ name }) => name) ?? [])].map((name) => {
          const mistakes = findings.value.filter(
            (one) => one.file === name && one.severity === 'error',
          );
          return (
            <li key={name}>
              <button
                type="button"
                aria-current={file.value === name ? 'true' : undefined}
                onClick={() => {
                  file.value = name;
                }}
              >
                {name}
                {draft.value.files[name] !== undefined && (
                  <Badge tone="busy" icon="info">
                    {w('changed')}
                  </Badge>
                )}
                {mistakes.length > 0 && (
                  <Badge tone="bad">{w('mistakes', { n: mistakes.length })}</Badge>
                )}
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** Calls of a kind, as retention names them. */
const callsOf = (kind: string) => (kind === 'none' ? w('not_judged') : disposition(kind));

/** The names that forms choose from, as the draft has them. */
function names(reader: Toml): Names {
  const all = (name: string, table: string) => reader.entries(text(name), table) ?? [];
  const of = (name: string, table: TableName) =>
    all(name, table).map((entry) => String(entry['name'] ?? ''));
  const labelled = (name: string, table: string, key: string, label: string) =>
    all(name, table)
      .filter((entry) => entry[key])
      .map((entry) => ({ value: String(entry[key]), label: String(entry[label] ?? entry[key]) }));
  const files = present(draft.value, shown.value?.files ?? []);
  return {
    queue: of('queues.toml', 'queue').filter(Boolean),
    operator: of('seats.toml', 'operator').filter(Boolean),
    trunk: files.filter((name) => name.startsWith('trunks/')).flatMap((name) => of(name, 'trunk')),
    agency: agencies.value,
    kecamatan: kecamatan.value,
    category: labelled('categories.toml', 'category', 'code', 'name'),
    contact: labelled(CALLOUT, 'contact', 'name', 'full_name'),
    role: [...new Set(all(CALLOUT, 'contact').map((entry) => String(entry['role'] ?? '')))]
      .filter(Boolean)
      .sort(),
    calls: ['none', ...DISPOSITIONS].map((value) => ({ value, label: callsOf(value) })),
  };
}

const BEGINNINGS: Record<TableName, () => Table> = {
  queue: () => ({ name: '', overflow: [] }),
  rule: () => ({ name: '', priority: 1, when: {}, queue: '' }),
  seat: () => ({ name: '', queues: [] }),
  operator: () => ({ name: '', full_name: '' }),
  trunk: () => ({ name: '', source: [] }),
  contact: () => ({ name: '', full_name: '', numbers: [] }),
  chain: () => ({ name: '', title: '', when: {}, steps: [] }),
  keep: () => ({ calls: [], audio_days: 90, record_days: 90, trace_days: 90, ground: '' }),
};

const kinds = (entry: Table) => (Array.isArray(entry['calls']) ? entry['calls'].map(String) : []);

/** What tells an entry from the others at a glance. */
function about(table: TableName, entry: Table): string {
  if (table === 'rule') return `${entry['priority'] ?? ''} → ${entry['queue'] ?? ''}`;
  if (table === 'seat') return String(entry['operator'] ?? '');
  if (table === 'chain') return String(entry['title'] ?? '');
  if (table === 'keep') return kinds(entry).map(callsOf).join(', ');
  return ['operator', 'contact'].includes(table) ? String(entry['full_name'] ?? '') : '';
}

function Entry(props: {
  reader: Toml;
  name: string;
  table: TableName;
  index: number;
  entry: Table;
  choose: Names;
}) {
  const { reader, name, table, index, entry, choose } = props;
  const [asked, setAsked] = useState(false);
  const called = `${tableWord(table)} ${String(entry['name'] ?? '') || (table === 'keep' ? '' : w('unnamed'))}`;
  const whole = text(name);
  const found = findingsAt(findings.value, name, whole, table, index);
  const known = new Set(FORMS[table].map((field) => field.path));
  const elsewhere = [...found].filter(([key]) => !known.has(key)).flatMap(([, list]) => list);
  return (
    <details class={found.size > 0 ? 'entry wrong' : 'entry'} open={found.size > 0 || undefined}>
      <summary>
        {called} <span class="muted">{about(table, entry)}</span>
        {found.size > 0 && <Badge tone="warn">{w('findings')}</Badge>}
      </summary>
      {elsewhere.length > 0 && <FindingList of={elsewhere} />}
      <div class="form-grid">
        {FORMS[table].map((field) => (
          <FieldOf
            key={field.path}
            field={field}
            entry={entry}
            names={choose}
            findings={found.get(field.path)}
            onChange={(value) =>
              change(name, reader.set(text(name), table, index, field.path, value))
            }
          />
        ))}
      </div>
      <div class="row">
        <Button onPress={() => setAsked(true)} label={`${w('remove')}: ${called}`}>
          {w('remove')}
        </Button>
      </div>
      {asked && (
        <Confirm
          title={w('remove_title', { what: called })}
          detail={<p>{w('remove_detail')}</p>}
          action={w('remove')}
          onConfirm={() => change(name, reader.remove(text(name), table, index))}
          onClose={() => setAsked(false)}
        />
      )}
    </details>
  );
}

function Forms({ name }: { name: string }) {
  const reader = toml.value;
  const tables = tablesOf(name);
  const whole = text(name);
  if (reader === null) return <p>{t('app.loading')}</p>;
  if (tables.length === 0) return <p class="muted">{w('text_only')}</p>;
  if (reader.read(whole) === undefined) return <p class="band warn">{w('no_form')}</p>;
  const choose = names(reader);
  return (
    <>
      {tables.map((table) => (
        <section key={table} aria-label={tableWord(table)} class="entries">
          {(reader.entries(whole, table) ?? []).map((entry, index) => (
            <Entry
              key={`${name}-${table}-${index}`}
              reader={reader}
              name={name}
              table={table}
              index={index}
              entry={entry}
              choose={choose}
            />
          ))}
          <Button onPress={() => change(name, reader.add(text(name), table, BEGINNINGS[table]()))}>
            {w('add', { what: tableWord(table) })}
          </Button>
        </section>
      ))}
    </>
  );
}

function Text({ name, fixed }: { name: string; fixed: boolean }) {
  const here = findings.value.filter((one) => one.file === name);
  const box = useRef<HTMLDivElement>(null);
  const error = here
    .filter((one) => one.severity === 'error')
    .map((one) => `${position(one)}: ${spoken(one).what}.`);
  useEffect(() => {
    box.current?.querySelector('textarea')?.setAttribute('data-file', name);
  });
  return (
    <div ref={box} class="text">
      <TextArea
        label={w('text_of', { file: name })}
        code
        rows={24}
        disabled={fixed}
        value={
          fixed ? (shown.value?.fixed.find((one) => one.name === name)?.text ?? '') : text(name)
        }
        onInput={(value) => change(name, value)}
        error={error.length > 0 ? error.join(' ') : undefined}
        hint={fixed ? w('fixed') : undefined}
      />
    </div>
  );
}

function Bar({ onReview }: { onReview: () => void }) {
  const [asked, setAsked] = useState(false);
  const count = Object.keys(draft.value.files).length;
  const dirty = isDirty(draft.value);
  return (
    <div class="bar">
      <span>{dirty ? w('pending', { n: count }) : w('nothing_pending')}</span>
      <Verdict />
      <span class="bar-end row">
        <Button kind="quiet" disabled={!dirty} onPress={() => setAsked(true)}>
          {w('discard')}
        </Button>
        <Button kind="primary" disabled={!dirty || moved.value} onPress={onReview}>
          {w('review')}
        </Button>
      </span>
      {asked && (
        <Confirm
          title={w('discard_title')}
          detail={<p>{w('discard_detail')}</p>}
          action={w('discard')}
          onConfirm={discard}
          onClose={() => setAsked(false)}
        />
      )}
    </div>
  );
}

export function Routing() {
  const [wrong, setWrong] = useState<string>();
  const [review, setReview] = useState(false);
  useEffect(() => {
    load().catch((error) => setWrong(inWords(error)));
    Toml.load().then((reader) => {
      toml.value = reader;
    });
    ask(api.GET('/api/v1/categories'))
      .then((found) => {
        const told = found.categories.flatMap((one) => (one as { agencies: string[] }).agencies);
        agencies.value = [...new Set(told)].sort();
        kecamatan.value = found.kecamatan.map((one) => {
          const { code, name } = one as { code: string; name: string };
          return { value: code, label: `${name} (${code})` };
        });
      })
      .catch(() => {});
  }, []);
  if (wrong) {
    return (
      <p class="error" role="alert">
        <Icon name="stop" /> {wrong}
      </p>
    );
  }
  const files = shown.value;
  if (files === null) return <p>{t('app.loading')}</p>;
  const fixed = files.fixed.some((one) => one.name === file.value);
  const chosen = fixed || tablesOf(file.value).length === 0 ? 'text' : view.value;
  // What stands at no field of the forms: in another file, or about the whole of this one.
  const tables: string[] = tablesOf(file.value);
  const placed = (one: Finding) =>
    one.line > 0 && tables.includes(spotOf(text(one.file), one.line).table);
  const elsewhere = findings.value.filter(
    (one) => one.file !== file.value || (chosen === 'form' && !placed(one)),
  );
  return (
    <>
      {!files.running && <p class="band warn">{w('not_running')}</p>}
      {files.restart.length > 0 && (
        <p class="band warn">{w('restart', { sections: files.restart.join(', ') })}</p>
      )}
      {restored.value && isDirty(draft.value) && (
        <p class="band warn" role="status">
          <Icon name="info" /> {w('restored')}
        </p>
      )}
      {moved.value && <Moved />}
      <Bar onReview={() => setReview(true)} />
      <div class="editor">
        <Files />
        <div>
          <Tabs
            label={w('view')}
            tabs={(chosen === view.value ? (['form', 'text'] as const) : (['text'] as const)).map(
              (key) => ({
                key,
                name: w(`view.${key}`),
              }),
            )}
            chosen={chosen}
            onChoose={(key) => {
              view.value = key;
            }}
          >
            {chosen === 'form' ? (
              <Forms name={file.value} />
            ) : (
              <Text name={file.value} fixed={fixed} />
            )}
            {chosen === 'text' && (
              <FindingList of={findings.value.filter((one) => one.file === file.value)} />
            )}
            {elsewhere.length > 0 && (
              <section aria-label={w('findings')}>
                <h2>{w('findings')}</h2>
                <FindingList of={elsewhere} />
              </section>
            )}
          </Tabs>
        </div>
      </div>
      {review && <Apply onClose={() => setReview(false)} />}
    </>
  );
}

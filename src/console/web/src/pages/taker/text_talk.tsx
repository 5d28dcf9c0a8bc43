/** Real-time text: what a caller types who cannot speak or hear, letter by letter, and the answer. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import type { LiveCall } from '../../api/types';
import { timeOfDay } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { TextField } from '../../components/field';
import { inWords } from '../../components/toast';
import { catalogue } from '../../messages';

type Conversation = components['schemas']['Conversation'];
type Line = components['schemas']['TextLine'];

const w = catalogue({
  id: {
    title: 'Teks dengan penelepon',
    caller: 'Penelepon',
    none: 'Belum ada yang ditulis. Telepon pelapor bisa membaca dan menulis.',
    write: 'Tulis kepada penelepon',
    send: 'Kirim',
    writing: 'sedang menulis …',
    cannot: 'Penelepon tidak dapat membaca sekarang.',
    long: 'Terlalu panjang: paling banyak 1000 huruf.',
  },
  en: {
    title: 'Text with the caller',
    caller: 'Caller',
    none: 'Nothing was written yet. The caller’s telephone reads and writes.',
    write: 'Write to the caller',
    send: 'Send',
    writing: 'writing …',
    cannot: 'The caller cannot read now.',
    long: 'Too long: 1000 characters at most.',
  },
});

/** What is typed is to be seen as it comes. */
const EVERY_MS = 500;
const LONGEST = 1000;
/** Flags of a call in which somebody can write. */
const TEXT = ['text', 'wrote'];

function useConversation(call: string, on: boolean) {
  const [told, setTold] = useState<Conversation | null>(null);
  useEffect(() => {
    if (!on) return;
    let over = false;
    let timer = 0;
    const look = async () => {
      const params = { path: { id: call } };
      const fresh = await ask(api.GET('/api/v1/calls/{id}/text', { params })).catch(() => null);
      if (over) return;
      if (fresh) setTold(fresh);
      timer = window.setTimeout(look, EVERY_MS);
    };
    look();
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [call, on]);
  return told;
}

function Said({ line }: { line: Line }) {
  return (
    <li class={line.by === 'caller' ? 'theirs' : 'ours'}>
      <span class="muted">
        {timeOfDay(line.at)} {line.by === 'caller' ? w('caller') : line.name}
        {line.open && ` ${w('writing')}`}
      </span>
      <p>{line.text}</p>
    </li>
  );
}

export function TextTalk({ call }: { call: LiveCall }) {
  const id = useId();
  const on = call.flags.some((flag) => TEXT.includes(flag));
  const told = useConversation(call.id, on);
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const end = useRef<HTMLDivElement>(null);
  const lines = told?.lines ?? [];
  const newest = lines.map((line) => line.text).join('\n');
  useEffect(() => {
    if (end.current && newest) end.current.scrollTop = end.current.scrollHeight;
  }, [newest]);
  if (!on) return null;
  const send = async (event: Event) => {
    event.preventDefault();
    const text = typed.trim();
    if (!text) return;
    if (text.length > LONGEST) {
      setWrong(w('long'));
      return;
    }
    setBusy(true);
    try {
      const params = { path: { id: call.id } };
      await ask(api.POST('/api/v1/calls/{id}/text', { params, body: { text } }));
      // What was typed on meanwhile stays.
      setTyped((now) => (now.trim() === text ? '' : now));
      setWrong(undefined);
    } catch (error) {
      setWrong(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="text-talk" aria-labelledby={id}>
      <h3 id={id}>{w('title')}</h3>
      {lines.length === 0 && <p class="muted">{w('none')}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <div ref={end} class="said" role="log" aria-label={w('title')} tabIndex={0}>
        <ul>
          {lines.map((line) => (
            <Said key={`${line.at} ${line.by} ${line.name}`} line={line} />
          ))}
        </ul>
      </div>
      {told && !told.can_write && <Badge tone="warn">{w('cannot')}</Badge>}
      {told?.can_write && (
        <form class="bring" onSubmit={send}>
          <TextField
            label={w('write')}
            value={typed}
            error={wrong}
            onInput={(text) => {
              setTyped(text);
              setWrong(undefined);
            }}
          />
          <Button type="submit" kind="primary" busy={busy} onPress={() => {}}>
            {w('send')}
          </Button>
        </form>
      )}
    </section>
  );
}

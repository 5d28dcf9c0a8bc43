/** Records that belong together: linked, or part of this one; each tie with who said so and why. */
import { useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { dateAndTime } from '../../clock';
import { Button } from '../../components/button';
import { Confirm, Dialog } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Link } from '../../components/link';
import { inWords, say } from '../../components/toast';
import { may } from './may';
import type { Shown } from './record';
import { r } from './words';

interface Tied {
  incident: string;
  by: string;
  at: string;
  why: string;
}

function TiedBy({ tied }: { tied: Tied }) {
  return (
    <span class="muted">
      {r('tie.by', { by: tied.by, at: dateAndTime(tied.at), why: tied.why })}
    </span>
  );
}

/** Asks why, then does it. */
function Because(props: {
  title: string;
  act: (why: string) => Promise<unknown>;
  onClose: () => void;
}) {
  const [why, setWhy] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const go = async () => {
    if (!why.trim()) {
      setWrong(r('tie.why_ask'));
      return;
    }
    setBusy(true);
    try {
      await props.act(why.trim());
      props.onClose();
      say(r('done'), 'good');
    } catch (error) {
      setWrong(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      foot={
        <Button kind="primary" busy={busy} onPress={go}>
          {props.title}
        </Button>
      }
    >
      <TextField label={r('tie.why')} value={why} autofocus error={wrong} onInput={setWhy} />
    </Dialog>
  );
}

function Tie({ whole, again }: Shown) {
  const [other, setOther] = useState('');
  const [why, setWhy] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [merging, setMerging] = useState(false);
  const params = { path: { id: whole.id } };
  const body = { incident: other.trim(), why: why.trim() };
  const ready = () => {
    setTried(true);
    return Boolean(body.incident && body.why);
  };
  const done = (version: number) => {
    setOther('');
    setWhy('');
    setTried(false);
    setWrong(undefined);
    say(r('done'), 'good');
    again((fresh) => (fresh.written?.version ?? 0) >= version);
  };
  const link = () =>
    ready() &&
    ask(api.POST('/api/v1/incidents/{id}/link', { params, body })).then(
      (saved) => done(saved.version),
      (error) => setWrong(inWords(error)),
    );
  const merge = () =>
    ask(api.POST('/api/v1/incidents/{id}/merge', { params, body })).then(
      (saved) => done(saved.version),
      (error) => setWrong(inWords(error)),
    );
  return (
    <>
      <TextField
        label={r('tie.other')}
        value={other}
        onInput={(typed) => {
          setOther(typed);
          setWrong(undefined);
        }}
        error={tried && !body.incident ? r('tie.other_ask') : wrong}
      />
      <TextField
        label={r('tie.why')}
        value={why}
        onInput={setWhy}
        error={tried && !body.why ? r('tie.why_ask') : undefined}
      />
      <div class="row">
        <Button onPress={link}>{r('tie.link')}</Button>
        <Button onPress={() => ready() && setMerging(true)}>{r('tie.merge')}</Button>
      </div>
      {merging && (
        <Confirm
          title={r('tie.merge')}
          detail={<p>{r('tie.merge_ask', { incident: body.incident })}</p>}
          action={r('tie.merge')}
          onClose={() => setMerging(false)}
          onConfirm={merge}
        />
      )}
    </>
  );
}

export function Ties({ whole, again }: Shown) {
  const id = useId();
  const [unlinking, setUnlinking] = useState<Tied | null>(null);
  const [unmerging, setUnmerging] = useState(false);
  const written = whole.written;
  const writes = may('forms');
  const merged = (written?.merged ?? []) as Tied[];
  const linked = (written?.linked ?? []) as Tied[];
  const into = written?.merged_into as Tied | null | undefined;
  const calls = whole.links ?? [];
  const params = { path: { id: whole.id } };
  const newer = (version: number) => again((fresh) => (fresh.written?.version ?? 0) >= version);
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('ties')}</h2>
      {merged.length + linked.length + calls.length === 0 && !into && (
        <p class="muted">{r('ties_none')}</p>
      )}
      <ul class="list">
        {merged.map((tied) => (
          <li key={tied.incident}>
            <Link to={`/records/${tied.incident}`}>
              {r('tie.merged', { incident: tied.incident })}
            </Link>
            <TiedBy tied={tied} />
          </li>
        ))}
        {linked.map((tied) => (
          <li key={tied.incident}>
            <Link to={`/records/${tied.incident}`}>
              {r('tie.linked', { incident: tied.incident })}
            </Link>
            <TiedBy tied={tied} />
            {writes && (
              <Button
                label={r('tie.unlink_of', { incident: tied.incident })}
                onPress={() => setUnlinking(tied)}
              >
                {r('tie.unlink')}
              </Button>
            )}
          </li>
        ))}
        {calls.map((call) => (
          <li key={`${call.call} ${call.order}`}>
            <Link to={`/records/${call.incident}`}>
              {r('tie.call', { incident: call.incident, why: call.why })}
            </Link>
          </li>
        ))}
      </ul>
      {into && writes && (
        <Button onPress={() => setUnmerging(true)}>
          {r('tie.unmerge', { incident: into.incident })}
        </Button>
      )}
      {writes && !into && <Tie whole={whole} again={again} />}
      {unlinking && (
        <Because
          title={r('tie.unlink')}
          onClose={() => setUnlinking(null)}
          act={async (why) => {
            const body = { incident: unlinking.incident, why };
            const saved = await ask(api.POST('/api/v1/incidents/{id}/unlink', { params, body }));
            newer(saved.version);
          }}
        />
      )}
      {unmerging && into && (
        <Because
          title={r('tie.unmerge', { incident: into.incident })}
          onClose={() => setUnmerging(false)}
          act={async (why) => {
            const saved = await ask(
              api.POST('/api/v1/incidents/{id}/unmerge', { params, body: { why } }),
            );
            newer(saved.version);
          }}
        />
      )}
    </section>
  );
}

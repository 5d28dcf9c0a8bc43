/** One record, whole: who and where, the form, the call's course, what was heard and written, and who keeps it. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask, Refused } from '../../api/client';
import type { Incident } from '../../api/types';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Link } from '../../components/link';
import { Tabs } from '../../components/tabs';
import { disposition, outcomeName } from '../../messages';
import { navigate } from '../../router';
import { draft, openDraft, renew } from '../taker/draft';
import { RecordForm } from '../taker/form';
import { Audio } from './audio';
import { Course } from './course';
import { Keep } from './keep';
import { Known } from './known';
import { LadderOf } from './ladder';
import { Marks } from './marks';
import { may } from './may';
import { ReadForm } from './read_form';
import { Ties } from './ties';
import { Versions } from './versions';
import { originName, r, recordState } from './words';

/** What the parts of the page get: the record, and how to read it anew. */
export interface Shown {
  whole: Incident;
  /** Reads it anew, and again until it is as wanted: the database is a moment behind what was done. */
  again: (wanted?: (whole: Incident) => boolean) => Promise<void>;
}

const BEHIND_MS = 300;
const BEHIND_TRIES = 30;
const later = (ms: number) => new Promise((then) => setTimeout(then, ms));

/** The record: with the form where this person may write, else read alone. */
function useRecord(id: string): {
  whole: Incident | null;
  missing: boolean;
  again: Shown['again'];
} {
  const writes = may('forms');
  const [read, setRead] = useState<Incident | null>(null);
  const [missing, setMissing] = useState(false);
  const of = draft.value?.incident === id ? draft.value : null;
  const look = async () => {
    if (writes) {
      await renew();
      return draft.peek()?.whole ?? null;
    }
    try {
      const whole = await ask(api.GET('/api/v1/incidents/{id}', { params: { path: { id } } }));
      setRead(whole);
      return whole;
    } catch (error) {
      setMissing(error instanceof Refused && error.status === 404);
      return null;
    }
  };
  useEffect(() => {
    if (writes) openDraft(id).catch(() => {});
    else look();
  }, [id, writes]);
  const again: Shown['again'] = async (wanted = () => true) => {
    for (let n = 0; n < BEHIND_TRIES; n += 1) {
      const whole = await look();
      if (whole && wanted(whole)) return;
      await later(BEHIND_MS);
    }
  };
  const away = writes && of !== null && of.whole === null && of.saving === 'away';
  return { whole: writes ? (of?.whole ?? null) : read, missing: missing || away, again };
}

const TABS = ['record', 'course', 'audio', 'versions', 'keep', 'ladder'] as const;
type Tab = (typeof TABS)[number];

function tabsFor(): Tab[] {
  return TABS.filter((tab) => {
    if (tab === 'keep') return may('holds') || may('handing-out') || may('marks');
    return tab !== 'ladder' || may('ladders');
  });
}

function Head({ whole }: { whole: Incident }) {
  const state = whole.written?.state ?? 'open';
  const origin = whole.written?.origin ?? 'call';
  return (
    <header class="record-head">
      <Button icon="back" kind="quiet" onPress={() => navigate('/records')}>
        {r('back')}
      </Button>
      <h1>{dateAndTime(whole.received_at)}</h1>
      <span class="mono muted">{whole.id}</span>
      <Badge tone={state === 'open' ? 'warn' : 'plain'} icon={state === 'open' ? 'info' : 'lock'}>
        {recordState(state)}
      </Badge>
      <Badge>
        {origin !== 'call'
          ? originName(origin)
          : whole.disposition
            ? disposition(whole.disposition)
            : outcomeName(whole.outcome ?? '')}
      </Badge>
      {whole.hold && (
        <Badge tone="warn" icon="lock">
          {r('hold')}
        </Badge>
      )}
    </header>
  );
}

export function RecordPage({ id }: { id: string }) {
  const { whole, missing, again } = useRecord(id);
  const [tab, setTab] = useState<Tab>('record');
  if (!whole) {
    return (
      <>
        <Button icon="back" kind="quiet" onPress={() => navigate('/records')}>
          {r('back')}
        </Button>
        <p role="status">
          {missing ? r(may('forms') ? 'record.away' : 'record.missing') : r('record.loading')}
        </p>
      </>
    );
  }
  const shown: Shown = { whole, again };
  const into = whole.written?.merged_into;
  return (
    <>
      <Head whole={whole} />
      {into && (
        <p class="band warn">
          <Link to={`/records/${into.incident}`}>
            {r('merged_into', { incident: into.incident })}
          </Link>
        </p>
      )}
      <Tabs
        label={r('record.parts')}
        tabs={tabsFor().map((key) => ({ key, name: r(`tab.${key}`) }))}
        chosen={tab}
        onChoose={setTab}
      >
        {tab === 'record' && (
          <div class="record">
            <div class="record-side">
              <Known whole={whole} />
              <Ties {...shown} />
            </div>
            {may('forms') ? <RecordForm incident={id} page={null} /> : <ReadForm whole={whole} />}
          </div>
        )}
        {tab === 'course' && <Course whole={whole} />}
        {tab === 'audio' && <Audio whole={whole} />}
        {tab === 'versions' && <Versions whole={whole} />}
        {tab === 'keep' && (
          <div class="record-cards">
            <Keep {...shown} />
            <Marks {...shown} />
          </div>
        )}
        {tab === 'ladder' && <LadderOf id={whole.id} />}
      </Tabs>
    </>
  );
}

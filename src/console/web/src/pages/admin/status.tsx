/** Trunks and seats as they are now, for whoever keeps them. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { LiveTrunk } from '../../api/types';
import { dateAndTime, span } from '../../clock';
import { Badge, seatTone } from '../../components/badge';
import { Table } from '../../components/table';
import { seats } from '../../live/store';
import { pauseReason, seatState } from '../../messages';
import { said } from '../../messages/said';
import { ageOf } from '../supervisor/age';
import { TRUNK_TONES, trunkState } from '../supervisor/board';
import { trunkWord } from '../supervisor/words';
import { w } from './words';

/** How often trunks are asked for: when one was last heard grows by itself, and is not told. */
const EACH_MS = 5000;

function useTrunks(): LiveTrunk[] {
  const [found, setFound] = useState<LiveTrunk[]>([]);
  useEffect(() => {
    let left = false;
    const look = () =>
      ask(api.GET('/api/v1/trunks'))
        .then(({ trunks }) => left || setFound(trunks))
        // The head of the page says that the gateway is not heard; what was shown stays.
        .catch(() => {});
    look();
    const timer = window.setInterval(look, EACH_MS);
    return () => {
      left = true;
      window.clearInterval(timer);
    };
  }, []);
  return found;
}

export function Status() {
  const trunks = useTrunks();
  return (
    <>
      <div class="card">
        <h2>{w('trunks')}</h2>
        <Table
          caption={w('trunks')}
          quietCaption
          rows={trunks}
          rowKey={(row) => row.id}
          columns={[
            { name: w('name'), cell: (row) => <strong>{row.id}</strong> },
            {
              name: w('state'),
              cell: (row) => (
                <>
                  <Badge tone={TRUNK_TONES[trunkState(row)]}>{trunkWord(trunkState(row))}</Badge>
                  {row.line?.reason && <p>{said(row.line.reason)}</p>}
                  {row.line?.registered_until && (
                    <p class="muted">
                      {w('registered_until', { time: dateAndTime(row.line.registered_until) })}
                    </p>
                  )}
                </>
              ),
            },
            { name: w('calls'), number: true, cell: (row) => row.calls },
            { name: w('calls_total'), number: true, cell: (row) => row.calls_total },
            {
              name: w('last_heard'),
              cell: (row) =>
                row.last_heard_seconds == null
                  ? '–'
                  : w('ago', { span: span(row.last_heard_seconds) }),
            },
            {
              name: w('hops'),
              cell: (row) =>
                row.line
                  ? row.line.hops.map((hop) => (
                      <p key={hop.address} class="row">
                        {hop.address}{' '}
                        <Badge tone={hop.alive ? 'good' : 'bad'}>
                          {hop.alive ? w('alive') : w('dead')}
                          {hop.round_trip_ms != null && ` ${hop.round_trip_ms} ms`}
                        </Badge>
                      </p>
                    ))
                  : w('calls_only'),
            },
          ]}
        />
      </div>
      <div class="card">
        <h2>{w('seats')}</h2>
        <Table
          caption={w('seats')}
          quietCaption
          rows={seats.value}
          rowKey={(row) => row.id}
          columns={[
            { name: w('name'), cell: (row) => <strong>{row.id}</strong> },
            { name: w('operator'), cell: (row) => row.operator ?? '–' },
            {
              name: w('state'),
              cell: (row) => (
                <>
                  <Badge tone={seatTone(row.state)}>{seatState(row.state)}</Badge>{' '}
                  {row.reason && <span class="muted">{pauseReason(row.reason)}</span>}
                </>
              ),
            },
            { name: w('since'), number: true, cell: (row) => span(ageOf(row)) },
            { name: w('phones'), number: true, cell: (row) => row.phones },
            { name: w('queues'), cell: (row) => row.queues.join(', ') },
          ]}
        />
      </div>
    </>
  );
}

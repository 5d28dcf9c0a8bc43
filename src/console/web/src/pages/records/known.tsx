/** What a record knows of its call: who, where from and how far that is believed, and what came along. */
import type { ComponentType } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import type { Incident, LivePlace } from '../../api/types';
import { Badge } from '../../components/badge';
import { languageName } from '../../messages';
import { type Block, Blocks, PlaceSource, type Sourced, Trust } from '../taker/known';
import { k } from '../taker/known_words';
import { w } from '../taker/words';
import {
  type Additional,
  bodyBytes,
  bodyText,
  facts,
  type Location,
  place as placeOf,
  reports,
  steps,
} from './arrival';
import { r } from './words';

function Who({ whole }: { whole: Incident }) {
  const id = useId();
  const known = facts(whole);
  const caller = known.caller;
  const checked = steps(whole).find((step) => step.fact === 'identity-checked');
  const passports = (checked?.['passports'] ?? []) as { signer?: string }[];
  if (!caller?.phone) return null;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('who')}</h2>
      <p class="call-number mono">{caller.phone.e164 ?? (caller.phone.raw || r('no_number'))}</p>
      {caller.name && <p class="call-name">{caller.name}</p>}
      {whole.trunk && (
        <p class="muted">
          {r('by_trunk', { trunk: whole.trunk })}
          {caller.network ? `, ${caller.network}` : ''}
        </p>
      )}
      <Trust
        who={{
          ...caller,
          badge: checked?.['verified'] as string | undefined,
          signer: passports.find((one) => one.signer)?.signer,
        }}
      />
      {known.languages?.length ? (
        <p>
          {r('languages')}: {known.languages.map(languageName).join(', ')}
        </p>
      ) : null}
      {known.findings?.length ? (
        <details>
          <summary>{r('findings')}</summary>
          <ul>
            {known.findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}

const point = (of: Location | undefined) =>
  of?.latitude && of.longitude ? `${of.latitude}, ${of.longitude}` : '';
const civic = (of: Location | undefined) => (of?.civic ?? []).map(([, value]) => value).join(', ');

function Where({ whole }: { whole: Incident }) {
  const id = useId();
  const place = placeOf(whole);
  const [map, setMap] = useState<ComponentType<{ place: LivePlace }> | null>(null);
  const located = Boolean(place.location?.latitude);
  useEffect(() => {
    if (!located || map) return;
    import('../taker/place_map').then((module) => setMap(() => module.default)).catch(() => {});
  }, [located, map]);
  const Map_ = map;
  const all: Sourced[] = [
    ...(facts(whole).locations ?? []).map((one) => ({
      ...one,
      found_at: one.timestamp ?? null,
      why: point(one) || civic(one),
    })),
    ...reports(whole).flatMap((report) =>
      (report.locations ?? []).map((one) => ({
        ...one,
        source: [report.how, report.from].filter(Boolean).join(' '),
        found_at: one.timestamp ?? null,
        why: point(one) || civic(one),
      })),
    ),
  ];
  const guess = place.kecamatan;
  const cell = facts(whole).cell;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{w('place')}</h2>
      <div class="row">
        {guess && (
          <Badge tone={guess.percent >= 70 ? 'good' : 'warn'} icon="place">
            {w('place.percent', { name: guess.name, n: guess.percent })}
          </Badge>
        )}
        {place.within_m != null && <span>{r('within', { n: place.within_m })}</span>}
        {!guess && !located && <p class="muted">{r('no_place')}</p>}
      </div>
      {point(place.location) && <p class="mono">{point(place.location)}</p>}
      {civic(place.location) && <p>{civic(place.location)}</p>}
      {cell && (
        <p class="mono">
          {w('place.cell', { cell: `${cell.mcc}-${cell.mnc}-${cell.area}-${cell.cell}` })}
        </p>
      )}
      {place.neighbour && (
        <p>{r('neighbour', { name: place.neighbour.name, number: place.neighbour.number })}</p>
      )}
      {(place.location || guess) && (
        <PlaceSource
          live={false}
          of={{
            ...place.location,
            found_at: place.found_at ?? null,
            why: place.why ?? '',
            guess_why: guess?.why,
          }}
        />
      )}
      {located && Map_ && <Map_ place={place as unknown as LivePlace} />}
      {all.length > 1 && (
        <details>
          <summary>{r('locations')}</summary>
          {all.map((one, n) => (
            <PlaceSource key={n} live={false} of={one} />
          ))}
        </details>
      )}
    </section>
  );
}

/** Data that came after the call, or why it did not. */
interface Late {
  how: string;
  data: Additional;
  reference?: string;
  findings?: string[];
}

const block = (data: Additional, how?: string, findings?: string[]): Block => ({
  purpose: data.purpose,
  content_type: data.content_type,
  bytes: bodyBytes(data.body),
  fields: data.fields ?? [],
  text: bodyText(data.body).slice(0, 20_000),
  how,
  findings,
});

function Came({ whole }: { whole: Incident }) {
  const id = useId();
  const late = steps(whole)
    .filter((step) => step.fact === 'data-came')
    .map((step) => step as unknown as Late);
  // What came by a reference stands in its place.
  const followed = new Set(late.map((one) => one.reference).filter(Boolean));
  const first = (facts(whole).additional_data ?? []).filter(
    (data) => !followed.has(data.content_type),
  );
  const blocks = [
    ...first.map((data) => block(data)),
    ...late.map((one) => block(one.data, one.how, one.findings)),
  ];
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{k('data.title')}</h2>
      {blocks.length === 0 ? <p class="muted">{k('data.none')}</p> : <Blocks blocks={blocks} />}
    </section>
  );
}

export function Known({ whole }: { whole: Incident }) {
  // Who came by themselves has no call that could tell anything.
  if (!facts(whole).caller?.phone) return null;
  return (
    <>
      <Who whole={whole} />
      <Where whole={whole} />
      <Came whole={whole} />
    </>
  );
}

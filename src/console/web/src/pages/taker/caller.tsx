/** Who calls, how often before, what came with the call, and where it comes from. */
import type { ComponentType } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import type { CallPage, LiveCall, LivePlace, Who } from '../../api/types';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { disposition, language, languageName, outcomeName } from '../../messages';
import { choices } from './choices';
import { Blocks, PlaceSource, Trust, type Trusted } from './known';
import { k } from './known_words';
import { w } from './words';

function History({ page }: { page: CallPage | null }) {
  const id = useId();
  const earlier = page?.earlier;
  const category = (code: string) =>
    choices.value?.categories.find((one) => one.code === code)?.name ?? code;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{w('history', { n: earlier?.length ?? 0 })}</h3>
      {page && earlier === null && <p class="muted">{w('history.away')}</p>}
      {earlier?.length === 0 && <p class="muted">{w('history.none')}</p>}
      <ul class="history">
        {(earlier ?? []).slice(0, 6).map((one) => (
          <li key={one.call}>
            <span>{dateAndTime(one.received_at)}</span>{' '}
            <strong>
              {one.disposition ? disposition(one.disposition) : outcomeName(one.outcome ?? '')}
            </strong>
            {one.category && ` · ${category(one.category)}`}
          </li>
        ))}
      </ul>
    </section>
  );
}

function PlaceOf({ place }: { place: LivePlace }) {
  const [map, setMap] = useState<ComponentType<{ place: LivePlace }> | null>(null);
  const located = Boolean(place.location?.latitude);
  useEffect(() => {
    if (!located || map) return;
    // The map is loaded when there is something to be seen on it.
    import('./place_map').then((module) => setMap(() => module.default)).catch(() => {});
  }, [located, map]);
  const Map_ = map;
  const guess = place.kecamatan;
  return (
    <>
      <div class="row">
        {guess && (
          <Badge tone={guess.percent >= 70 ? 'good' : 'warn'} icon="place">
            {w('place.percent', { name: guess.name, n: guess.percent })}
          </Badge>
        )}
        {place.within_m != null && <span>{w('place.within', { n: place.within_m })}</span>}
        {!guess && !located && <p class="muted">{w('place.none')}</p>}
      </div>
      {place.location?.civic.length ? (
        <p>{place.location.civic.map(([, value]) => value).join(', ')}</p>
      ) : null}
      {place.neighbour && (
        <p class="band warn">
          {w('place.neighbour', { name: place.neighbour.name, number: place.neighbour.number })}
        </p>
      )}
      <PlaceSource
        live
        of={{
          ...place.location,
          found_at: place.found_at ?? null,
          why: place.why,
          guess_why: guess?.why,
        }}
      />
      {located && Map_ && <Map_ place={place} />}
    </>
  );
}

/** A sentence of the gateway in the reader's language. */
const said = (words: { id: string; en: string } | null | undefined) =>
  words ? (language.value === 'id' ? words.id : words.en) : undefined;

const trusted = (who: Who): Trusted => ({
  ...who,
  badge: who.verified?.badge,
  why: said(who.verified?.why),
  signer: who.verified?.signer,
  no_call_back: said(who.no_call_back),
});

export function Caller({ call, page }: { call: LiveCall | null; page: CallPage | null }) {
  const id = useId();
  const placeId = useId();
  if (!call) return null;
  const who = call.who;
  return (
    <>
      <section class="card" aria-labelledby={placeId}>
        <h2 id={placeId}>{w('place')}</h2>
        <PlaceOf place={call.place} />
      </section>
      <section class="card" aria-labelledby={id}>
        <h2 id={id}>{w('who')}</h2>
        {who && <Trust who={trusted(who)} />}
        {call.languages.length > 0 && (
          <p>
            {w('who.language')}: {call.languages.map(languageName).join(', ')}
          </p>
        )}
        {call.keys && (
          <p>
            {w('who.keys')}: <span class="mono">{call.keys}</span>
          </p>
        )}
        <History page={page} />
        {page && page.data.length > 0 && (
          <details open>
            <summary>{k('data.title')}</summary>
            <Blocks blocks={page.data} />
          </details>
        )}
      </section>
    </>
  );
}

/** Who calls, where from and what came along, with how far each can be believed: at the desk and on records. */
import { dateAndTime, secondsSince } from '../../clock';
import { Badge, type Tone } from '../../components/badge';
import { language } from '../../messages';
import { badgeWord, k, reasonInWords, trustWord, verstatWord } from './known_words';
import { w } from './words';

/** What a live call and a record both know of a caller. */
export interface Trusted {
  trust: string;
  verstat?: string | null | undefined;
  /** The word of the badge, its reason where it failed, and who signed. */
  badge?: string | undefined;
  why?: string | undefined;
  signer?: string | null | undefined;
  header?: string | undefined;
  issued_by?: string | null | undefined;
  country?: string | null | undefined;
  device?: string | null | undefined;
  private: boolean;
  no_call_back?: string | undefined;
}

const BADGE_TONES: Record<string, Tone> = { A: 'good', failed: 'bad' };

function verstatTone(word: string): Tone {
  if (word.includes('Passed')) return 'good';
  return word.includes('Failed') ? 'bad' : 'plain';
}

function countryName(code: string): string {
  try {
    return new Intl.DisplayNames([language.value], { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

export function Trust({ who }: { who: Trusted }) {
  return (
    <>
      <div class="row trust">
        <Badge tone={who.trust === 'claimed' ? 'warn' : 'plain'}>{trustWord(who.trust)}</Badge>
        {who.badge && (
          <Badge tone={BADGE_TONES[who.badge] ?? 'plain'}>{badgeWord(who.badge)}</Badge>
        )}
        {who.verstat && <Badge tone={verstatTone(who.verstat)}>{verstatWord(who.verstat)}</Badge>}
        {who.private && <Badge>{w('who.private')}</Badge>}
        {who.no_call_back && <Badge tone="warn">{who.no_call_back}</Badge>}
      </div>
      {who.why && <p class="muted">{who.why}</p>}
      {who.signer && <p class="muted">{k('who.signer', { name: who.signer })}</p>}
      {who.issued_by && <p class="muted">{k('who.issued', { name: who.issued_by })}</p>}
      {who.country && <p>{k('who.country', { name: countryName(who.country) })}</p>}
      {who.device && (
        <p>
          {k('who.device')}: <span class="mono">{who.device}</span>
        </p>
      )}
      {who.header && <p class="muted">{k('who.header', { header: who.header })}</p>}
    </>
  );
}

/** What a live call and a record both know of one place. */
export interface Sourced {
  found_at?: string | null | undefined;
  source?: string | undefined;
  loc_src?: string | null | undefined;
  method?: string | null | undefined;
  confidence?: number | null | undefined;
  why?: string | undefined;
  guess_why?: string | undefined;
}

/** A place is old after so long: the caller may have gone on. */
const OLD_SECONDS = 300;
const UNITS = { minutes: 60, hours: 3600, days: 86_400 } as const;

/** When a place was found, by whom, how sure, and why it is believed. */
export function PlaceSource({ of, live }: { of: Sourced; live: boolean }) {
  const age = of.found_at ? secondsSince(of.found_at) : 0;
  const old = live && age > OLD_SECONDS;
  const unit = age > 2 * UNITS.days ? 'days' : age > 2 * UNITS.hours ? 'hours' : 'minutes';
  const time = of.found_at ? dateAndTime(of.found_at) : '';
  const whence = [
    of.source,
    of.loc_src && k('place.sent', { name: of.loc_src }),
    of.method && k('place.method', { method: of.method }),
    of.confidence != null && k('place.confidence', { n: of.confidence }),
  ].filter(Boolean);
  const whys = [of.why, of.guess_why].filter(Boolean).map((why) => reasonInWords(String(why)));
  if (!of.source && !of.found_at && whence.length + whys.length === 0) return null;
  return (
    <dl class="data">
      {(of.source || of.found_at) && (
        <div>
          <dt>{w('place')}</dt>
          <dd>
            {!of.found_at && k('place.unknown_time')}
            {of.found_at && !old && k('place.found', { time })}
            {old && (
              <Badge tone="warn" icon="clock">
                {k(`place.old.${unit}`, { time, n: Math.floor(age / UNITS[unit]) })}
              </Badge>
            )}
          </dd>
        </div>
      )}
      {whence.length > 0 && (
        <div>
          <dt>{k('place.source')}</dt>
          <dd>{whence.join(', ')}</dd>
        </div>
      )}
      {whys.length > 0 && (
        <div>
          <dt>{k('place.why')}</dt>
          <dd>{whys.join('; ')}</dd>
        </div>
      )}
    </dl>
  );
}

/** One block that came along; one that nobody knows is shown with its type and length. */
export interface Block {
  purpose: string;
  content_type: string;
  bytes: number;
  fields: { name: string; value: string }[];
  /** All of it, where it is here and text. */
  text?: string | undefined;
  /** How it came, where it came after the call. */
  how?: string | undefined;
  /** What was odd about it, or why nothing came. */
  findings?: string[] | undefined;
}

export function Blocks({ blocks }: { blocks: Block[] }) {
  return (
    <ul class="blocks">
      {blocks.map((block, n) => (
        <li key={n}>
          <strong>{block.purpose || block.content_type}</strong>{' '}
          {block.purpose && <span class="muted mono">{block.content_type}</span>}
          {block.how && <span class="muted"> {k('data.late', { how: block.how })}</span>}
          {block.fields.length > 0 && (
            <dl class="data">
              {block.fields.map((field) => (
                <div key={`${field.name} ${field.value}`}>
                  <dt>{field.name}</dt>
                  <dd>{field.value}</dd>
                </div>
              ))}
            </dl>
          )}
          {block.fields.length === 0 && (
            <p class="muted">
              {block.bytes > 0 ? k('data.unknown', { n: block.bytes }) : k('data.reference')}
            </p>
          )}
          {block.findings?.map((finding) => (
            <p key={finding} class="muted">
              {finding}
            </p>
          ))}
          {block.text && (
            <details>
              <summary>{k('data.whole')}</summary>
              <pre class="raw">{block.text}</pre>
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

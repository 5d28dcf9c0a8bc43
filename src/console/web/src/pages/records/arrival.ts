/** What a record says of the call itself, under the names of the journal. */
import type { Incident } from '../../api/types';

type Raw = { text?: string; hex?: string };

export interface Caller {
  phone: { raw: string; e164?: string; class: string };
  name?: string | null;
  header: string;
  trust: string;
  private: boolean;
  verstat?: string | null;
  network?: string | null;
  issued_by?: string | null;
  country?: string | null;
  device?: string | null;
}

export interface Location {
  shape: string;
  latitude?: string | null;
  longitude?: string | null;
  radius_m?: string | null;
  confidence?: number | null;
  civic?: [string, string][];
  method?: string | null;
  timestamp?: string | null;
  source?: string;
  loc_src?: string | null;
}

export interface Place {
  location?: Location;
  within_m?: number;
  found_at?: string;
  why?: string;
  kecamatan?: { code: string; name: string; percent: number; why: string };
  neighbour?: { name: string; number: string; why: string };
}

export interface Additional {
  purpose: string;
  content_type: string;
  body: Raw;
  fields?: { name: string; value: string }[];
}

export interface Step {
  seq: number;
  at: string;
  fact: string;
  [more: string]: unknown;
}

/** A location that came beside the call or after it. */
export interface Report {
  at: string;
  how?: string;
  from?: string;
  locations?: Location[];
  findings?: string[];
}

type Facts = {
  caller?: Caller;
  locations?: Location[];
  additional_data?: Additional[];
  cell?: { mcc: string; mnc: string; area: string; cell: string } | null;
  languages?: string[];
  findings?: string[];
};

export const facts = (whole: Incident) => whole as unknown as Facts;
export const steps = (whole: Incident) => whole.steps as unknown as Step[];
export const place = (whole: Incident) => (whole.place ?? {}) as Place;
export const reports = (whole: Incident) => (whole.location_reports ?? []) as unknown as Report[];

/** What bytes say: as text, or in hexadecimal. */
export const bodyText = (body: Raw | undefined) => body?.text ?? body?.hex ?? '';
export const bodyBytes = (body: Raw | undefined) =>
  body?.text !== undefined ? new Blob([body.text]).size : (body?.hex?.length ?? 0) / 2;

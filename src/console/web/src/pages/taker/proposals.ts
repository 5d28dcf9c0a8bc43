/** What is known of a call before anybody asked: proposals for fields that nobody has filled. */
import type { CallPage } from '../../api/types';
import { choices } from './choices';
import type { Draft, Value } from './draft';
import { either, w } from './words';

interface Proposal {
  value: Value;
  /** As a person reads it. */
  said: string;
}

/** By field. Nothing of it is written before a person takes it. */
export function proposals(of: Draft, page: CallPage | null): Record<string, Proposal> {
  const found: Record<string, Proposal> = {};
  const call = page?.incident === of.incident ? page : null;
  const service = (of.whole?.category ?? null) as string | null;
  const category = choices.value?.categories.find((one) => one.code === service);
  if (category) {
    found['category'] = { value: category.code, said: either(category.name, category.name_en) };
  }
  const place = call?.place;
  const guess = place?.kecamatan;
  if (guess) {
    const said = w('place.percent', { name: guess.name, n: guess.percent });
    found['kecamatan'] = { value: guess.code, said };
  } else if (of.whole?.kecamatan) {
    const code = of.whole.kecamatan;
    const known = choices.value?.kecamatan.find((one) => one.code === code);
    found['kecamatan'] = { value: code, said: known?.name ?? code };
  }
  const latitude = place?.location?.latitude ?? of.whole?.latitude;
  const longitude = place?.location?.longitude ?? of.whole?.longitude;
  if (latitude && longitude) {
    found['coordinates'] = { value: { latitude, longitude }, said: `${latitude}, ${longitude}` };
  }
  const name = call?.who?.name ?? of.whole?.caller_name;
  if (name) found['caller_name'] = { value: name, said: name };
  return found;
}

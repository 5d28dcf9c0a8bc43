/** Somebody else has written the same field: both words, and a person chooses. */
import { Button } from '../../components/button';
import { type Draft, settle } from './draft';
import { w } from './words';

export function Conflict({ of, field }: { of: Draft; field: string }) {
  const conflict = of.conflicts[field];
  if (!conflict) return null;
  const theirs = conflict.theirs as unknown;
  const value =
    theirs === undefined || theirs === null
      ? w('form.cleared')
      : typeof theirs === 'object'
        ? JSON.stringify(theirs)
        : String(theirs);
  const by = conflict.by ?? '?';
  return (
    <div class="conflict" role="alert">
      <p>{w('form.theirs', { by, value })}</p>
      <div class="row">
        <Button onPress={() => settle(field, true)}>{w('form.keep_mine')}</Button>
        <Button onPress={() => settle(field, false)}>{w('form.take_theirs', { by })}</Button>
      </div>
    </div>
  );
}

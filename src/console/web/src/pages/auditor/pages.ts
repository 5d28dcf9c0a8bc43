/** A list that comes in pages: the first, then each `next` behind it. What was there stays when one is refused. */
import { useEffect, useState } from 'preact/hooks';
import { inWords } from '../../components/toast';

export interface Page<Row, Next> {
  rows: Row[];
  next: Next | null | undefined;
}

export function usePages<Row, Next, Query>(
  read: (query: Query, before: Next | undefined) => Promise<Page<Row, Next>>,
  query: Query,
) {
  const [rows, setRows] = useState<Row[] | null>(null);
  const [next, setNext] = useState<Next | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const load = async (before: Next | undefined, kept: Row[], left: () => boolean) => {
    setBusy(true);
    try {
      const page = await read(query, before);
      if (left()) return;
      setRows([...kept, ...page.rows]);
      setNext(page.next ?? null);
      setWrong(undefined);
    } catch (error) {
      if (!left()) setWrong(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    let gone = false;
    load(undefined, [], () => gone);
    return () => {
      gone = true;
    };
    // A new question is a new object.
  }, [query]);
  const more = next === null ? null : () => load(next, rows ?? [], () => false);
  return { rows, more, wrong, busy };
}

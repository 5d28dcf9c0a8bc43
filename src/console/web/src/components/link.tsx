/** A link to a page of ours, without loading anything anew. */
import type { ComponentChildren } from 'preact';
import { navigate, path } from '../router';

export function Link({ to, children }: { to: string; children: ComponentChildren }) {
  const here = path.value === to || path.value.startsWith(`${to}/`);
  return (
    <a
      href={to}
      aria-current={here ? 'page' : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}

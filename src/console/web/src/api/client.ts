/**
 * The one way to the gateway: typed by its own description, refusals as {@link Refused}.
 * It must never keep a password, and never show a caller's number in an error of its own.
 */
import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './schema';
import type { Problem } from './types';

/** A refusal of the gateway (RFC 9457), or that it was not reached (`status` 0). */
export class Refused extends Error {
  readonly status: number;
  readonly problem: Problem | null;
  /** Seconds after which to come again. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: Problem | null, retryAfter: number | null = null) {
    super(problem?.detail ?? (status === 0 ? 'not reached' : `HTTP ${status}`));
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** The last part of the problem's type: `unknown-id`, `conflict`, … */
  get code(): string {
    return this.problem?.type.split(':').pop() ?? (this.status === 0 ? 'not-reached' : 'other');
  }

  /** Why one field is refused. */
  field(name: string): string | undefined {
    return this.problem?.errors?.find((error) => error.field === name)?.detail;
  }
}

/** What is done when the session is over: set by `session.ts`. */
let onSessionOver: () => void = () => {};

export const whenSessionIsOver = (then: () => void) => {
  onSessionOver = then;
};

/** What is done with the build that the gateway names in each answer: set by `build.ts`. */
let onBuild: (build: string) => void = () => {};

export const whenBuildIsTold = (then: (build: string) => void) => {
  onBuild = then;
};

/** The gateway has named the build of its pages elsewhere than in a header. */
export const tellBuild = (build: string) => onBuild(build);

const guard: Middleware = {
  onRequest({ request }) {
    // Only a page of ours can send it: with the cookie alone, whatever changes something needs it.
    request.headers.set('x-siaga112', '1');
    return request;
  },
  onResponse({ request, response }) {
    const build = response.headers.get('siaga112-build');
    if (build) onBuild(build);
    if (response.status === 401 && !request.url.endsWith('/api/v1/login')) onSessionOver();
    return response;
  },
};

export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' });
api.use(guard);

type Answer<T> = { data?: T | undefined; error?: unknown; response: Response };

/**
 * The answer's body, or a {@link Refused}.
 * `await ask(api.GET('/api/v1/seats'))`
 */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  let got: Answer<T>;
  try {
    got = await answer;
  } catch {
    throw new Refused(0, null);
  }
  if (got.response.ok) return got.data as T;
  const after = Number(got.response.headers.get('retry-after'));
  const problem = got.error && typeof got.error === 'object' ? (got.error as Problem) : null;
  throw new Refused(got.response.status, problem, after > 0 ? after : null);
}

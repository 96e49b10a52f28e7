// Requests to the assistant's server: JSON in and out, and a failure as one sentence for the client.
// It must not know conversations or checks.

const PATIENCE_MS = 30_000;

/** Why a request did not succeed. `status` 0: no answer came at all. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether what the request spoke for is gone. */
  get gone(): boolean {
    return this.status === 401 || this.status === 404;
  }
}

export interface Request {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
}

/** The response to a request that succeeded. */
export async function request(url: string, { method = "GET", body, headers = {} }: Request): Promise<Response> {
  const withBody = body === undefined ? {} : { body: JSON.stringify(body) };
  const type: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { ...type, ...headers },
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...withBody,
    });
  } catch {
    throw new Failure(0, "");
  }
  if (response.ok) return response;
  throw await failure(response);
}

/** The refusal that `response` tells. */
export async function failure(response: Response): Promise<Failure> {
  const problem: unknown = await response.json().catch(() => null);
  const detail = problem && typeof problem === "object" && "detail" in problem ? String(problem.detail) : "";
  const wait = Number(response.headers.get("Retry-After"));
  return new Failure(response.status, detail, Number.isFinite(wait) && wait > 0 ? wait : null);
}

/** The JSON of a response; a cut or foreign answer counts as no answer. */
export async function json<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new Failure(0, "");
  }
}

/** A key that makes a repeated request harmless. */
export function requestKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Seconds to wait before attempt `count` (from 1): longer each time, and not all clients at once. */
export function pause(count: number): number {
  return Math.min(30, 2 ** (count - 1)) * (0.75 + Math.random() / 2);
}

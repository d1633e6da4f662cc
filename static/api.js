// JSON requests to the server, and their refusals.

const TIMEOUT_MS = 30_000;
const GONE = ["session_not_found", "session_unreadable"];
const SILENT = [204, 304];

/** A request that did not succeed; `message` is a sentence for the reader. */
export class Refusal extends Error {
  /**
   * `status` is that of HTTP, or 0 when there was no answer; `code` is a word for programs;
   * `retryAfter` is in seconds.
   */
  constructor(message, status = 0, code = "", retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.gone = GONE.includes(code);
    this.canRetry = status === 0 || status === 429 || status >= 500 || code === "session_conflict";
  }
}

/**
 * Sends a request and returns its status, its JSON answer and its ETag, or throws a Refusal. The
 * answer is empty for 204 (no content) and 304 (not modified). Cookies are sent to another origin,
 * too, which decides whether to accept them; `signal` aborts the request.
 */
export async function request(method, url, body, headers = {}, signal = undefined) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  let answer;
  try {
    response = await fetch(url, {
      method,
      headers: body ? { "Content-Type": "application/json", ...headers } : headers,
      body: body && JSON.stringify(body),
      credentials: "include",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    answer = SILENT.includes(response.status) ? {} : await response.json();
  } catch {
    if (!response) {
      throw new Refusal("The server cannot be reached. Please try again in a moment.", 0, "unreachable");
    }
  }
  const { status, headers: received } = response;
  if (answer && (response.ok || SILENT.includes(status))) {
    return { status, answer, tag: received.get("ETag") };
  }
  const sentence = answer?.error ?? "The server did not answer as it should. Please try again.";
  throw new Refusal(sentence, response.ok ? 0 : status, answer?.code ?? "unexpected_answer",
    Number(received.get("Retry-After")) || 0);
}

/** Draws a random UUID; outside secure origins browsers offer only random numbers. */
export function newId() {
  if (crypto.randomUUID) {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

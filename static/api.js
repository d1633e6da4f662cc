// Requests to the server with JSON in and out, and their refusals.

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
 * Sends a request and gives its status, its JSON answer and the ETag of that, or throws a
 * Refusal. The answer is empty where there is nothing to tell (204) or nothing new (304). Cookies
 * go along to another origin as well, which decides whether it wants them; `signal` breaks it off.
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
  const { status, headers: told } = response;
  if (answer && (response.ok || SILENT.includes(status))) {
    return { status, answer, tag: told.get("ETag") };
  }
  const sentence = answer?.error ?? "The server did not answer as it should. Please try again.";
  throw new Refusal(sentence, response.ok ? 0 : status, answer?.code ?? "unexpected_answer",
    Number(told.get("Retry-After")) || 0);
}

/** A random UUID; outside secure origins browsers offer only the random numbers. */
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

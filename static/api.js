// The HTTP interface: JSON requests, their refusals, and the analysis as a stream of steps.

const BASE = "/api/develope";
const PATIENCE_MS = 30_000;
const GONE = ["session_not_found", "session_unreadable"];
const SILENT = [204, 304];

/** A request that did not succeed; `message` is a sentence for the reader. */
export class Refusal extends Error {
  /** `status` is that of HTTP, or 0 when there was no answer; `retryAfter` is in seconds. */
  constructor(message, status = 0, code = "", retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
    this.gone = GONE.includes(code);
    this.mayPass = status === 0 || status === 429 || status >= 500 || code === "session_conflict";
  }
}

/**
 * Sends a request and gives its status, its JSON answer and the ETag of that, or throws a
 * Refusal. The answer is empty where there is nothing to tell (204) or nothing new (304).
 */
export async function request(method, url, body, headers = {}) {
  let response;
  let answer;
  try {
    response = await fetch(url, {
      method,
      headers: body ? { "Content-Type": "application/json", ...headers } : headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    answer = SILENT.includes(response.status) ? {} : await response.json();
  } catch {
    if (!response) {
      throw new Refusal("The server cannot be reached. Please try again in a moment.");
    }
  }
  const { status, headers: told } = response;
  if (answer && (response.ok || SILENT.includes(status))) {
    return { status, answer, tag: told.get("ETag") };
  }
  const sentence = answer?.error ?? "The server did not answer as it should. Please try again.";
  throw new Refusal(sentence, response.ok ? 0 : status, answer?.code,
    Number(told.get("Retry-After")) || 0);
}

/** Sends a request to the teaser chat and gives its JSON answer, or throws a Refusal. */
export async function call(method, path, body) {
  return (await request(method, BASE + path, body)).answer;
}

/**
 * Follows an analysis. `onStep` gets every step, `onBreak` is told when the connection is lost
 * and being restored. Resolves with the last step; rejects when there will be none.
 */
export function watchAnalysis(sessionId, onStep, onBreak) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`${BASE}/analyze-stream?session_id=${sessionId}`);
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    source.onmessage = ({ data }) => {
      const step = JSON.parse(data);
      if (step.phase === "error") {
        end(reject, new Refusal(step.error));
      } else if (step.phase === "complete") {
        end(resolve, step);
      } else {
        onStep(step);
      }
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        end(reject, new Refusal("The analysis could not be followed to its end."));
      } else {
        onBreak();
      }
    };
  });
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

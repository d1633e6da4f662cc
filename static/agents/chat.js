// The client of the unified chat: a message goes in, and the answer says which agent gave it.

import { request } from "../api.js";

const PATH = "/api/v1/chat";

/** Sends a message; without a session id it opens a conversation. Returns the answer or throws. */
export async function say({ id, content, sessionId }) {
  const body = { message: content, client_message_id: id };
  if (sessionId) {
    body.session_id = sessionId;
  }
  const { answer } = await request("POST", PATH, body);
  return { intent: answer.intent, response: answer.response, sessionId: answer.session_id };
}

/** Deletes a conversation; one that no longer exists is no error. */
export async function forget(sessionId) {
  await request("DELETE", `${PATH}/session/${sessionId}`);
}

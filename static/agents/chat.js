// The project's assistants, behind one door: a message goes in, and who answered is told.

import { request } from "../api.js";

const PATH = "/api/v1/chat";

/** Says something; without a session id it opens a conversation. Gives the answer, or throws. */
export async function say({ id, content, sessionId }) {
  const body = { message: content, client_message_id: id };
  if (sessionId) {
    body.session_id = sessionId;
  }
  const { answer } = await request("POST", PATH, body);
  return { intent: answer.intent, response: answer.response, sessionId: answer.session_id };
}

/** Has a conversation deleted; one that is not there any more is no error. */
export async function forget(sessionId) {
  await request("DELETE", `${PATH}/session/${sessionId}`);
}

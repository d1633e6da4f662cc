"""The baseline of the service benchmark: a bare Flask view with GET and SET.

It stores documents like ours, a conversation with ids and times, so that both move the same bytes.
It lacks everything else: versions, owners, checks, idempotency; its reply is always the same.
"""

import json
import os
import time
import uuid

import redis
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

QUESTION = (
    "I noted: mains, 230 V AC, no battery. I take it that it draws at most 16 A, as from an"
    " ordinary socket; correct me if not. Do consumers use it, at home for instance, or only"
    " professionals?"
)
MISSING = ["whether consumers use it or are likely to", "whether it has a medical purpose"]

app = Flask(__name__)
client = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.post("/api/develope/respond")
def respond() -> ResponseReturnValue:
    """Append a message and a reply to the conversation, ignoring concurrent writers."""
    body = request.get_json()
    key = f"chat:session:{body['session_id']}"
    conversation = json.loads(client.get(key))  # type: ignore[arg-type] # None becomes a 500, as usual
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    message = body["client_message_id"]
    conversation["history"] += [
        {"role": "user", "content": body["message"], "id": message, "timestamp": now},
        {"role": "assistant", "content": QUESTION, "id": str(uuid.uuid4()), "timestamp": now,
         "reply_to": message, "complete": False, "missing": MISSING},
    ]  # fmt: skip
    client.set(key, json.dumps(conversation), ex=3600)
    return jsonify(complete=False, message=QUESTION, missing=MISSING)


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer that the process is alive."""
    return jsonify(status="ok")

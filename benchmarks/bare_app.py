"""What one writes by hand in ten lines: a Flask view with GET and SET, to measure against."""

import json
import os

import redis
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

app = Flask(__name__)
client = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.post("/api/develope/respond")
def respond() -> ResponseReturnValue:
    """Append a message and a reply to the conversation, without any care for anyone else."""
    body = request.get_json()
    key = f"chat:session:{body['session_id']}"
    conversation = json.loads(client.get(key))  # type: ignore[arg-type]
    history = conversation["history"]
    history.append({"role": "user", "content": body["message"]})
    history.append({"role": "assistant", "content": "Noted. What else?"})
    client.set(key, json.dumps(conversation), ex=3600)
    return jsonify(complete=False, message="Noted. What else?", missing=[])


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    """It lives."""
    return jsonify(status="ok")

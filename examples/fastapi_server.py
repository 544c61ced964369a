"""A FastAPI server that receives ``await model.save('http://127.0.0.1:8000/models/mnist')`` from TensorFlow.js.

    pip install tfjsd fastapi uvicorn
    uvicorn fastapi_server:app

tfjs names its form fields ``model.json`` and ``model.weights.bin``; a parameter of a Python function cannot have such a
name (https://github.com/tensorflow/tfjs/pull/8172), so the body is read as it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

import tfjsd

MAX_BODY = 256 << 20


def create_app(home: str | None = None) -> FastAPI:
    """Keeps models in an embedded store at ``home`` (None: in memory) and gives them back as tfjs loads them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with tfjsd.aopen_store(home) as store:
            app.state.store = store
            yield

    app = FastAPI(lifespan=lifespan)

    @app.api_route("/models/{name}", methods=["POST", "PUT"])
    async def save(name: str, request: Request) -> Any:
        body = await whole_body(request)
        artifacts = tfjsd.ModelArtifacts.from_multipart(request.headers.get("content-type", ""), body)
        result = await request.app.state.store.save(f"indexeddb://{name}", artifacts)
        return Response(result.model_artifacts_info.to_json(), media_type="application/json")

    @app.get("/models/{name}/model.json")
    async def model_json(name: str, request: Request) -> Any:
        artifacts = await request.app.state.store.load(f"indexeddb://{name}")
        text, _ = artifacts.to_model_json()
        return Response(text, media_type="application/json")

    @app.get("/models/{name}/weights.bin")
    async def weights(name: str, request: Request) -> Any:
        artifacts = await request.app.state.store.load(f"indexeddb://{name}")
        return Response(bytes(artifacts.joined_weight_data() or b""), media_type="application/octet-stream")

    @app.exception_handler(tfjsd.TfjsdError)
    async def refused(request: Request, error: tfjsd.TfjsdError) -> JSONResponse:
        return JSONResponse({"error": {"name": error.name, "message": str(error)}}, error.http_status)

    return app


async def whole_body(request: Request) -> bytearray:
    """The body, refused as soon as it passes the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"at most {MAX_BODY} bytes are taken")
    return body


app = create_app("models-home")

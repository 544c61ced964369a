"""A Flask server that receives ``await model.save('http://127.0.0.1:5000/upload')`` from TensorFlow.js.

pip install tfjsd flask
python flask_server.py

# in the page or in Node
await model.save(tf.io.http('http://127.0.0.1:5000/upload', {requestInit: {method: 'PUT'}}));
await tf.loadLayersModel('http://127.0.0.1:5000/models/upload/model.json');
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request, send_from_directory

from tfjsd import InvalidArtifactsError, ModelArtifacts, TooLargeError
from tfjsd.model_io import file_system

MAX_BODY = 256 << 20


def create_app(models: Path) -> Flask:
    """Keeps what is sent to ``/upload`` in the directory ``models/upload`` and serves it under ``/models/``."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.route("/upload", methods=["POST", "PUT"])
    def upload() -> Response:
        # get_data() before anything touches request.form: Flask would parse the body itself, and drop its bytes.
        artifacts = ModelArtifacts.from_multipart(request.content_type or "", request.get_data(cache=False))
        file_system(models / "upload").save(artifacts)
        return Response(artifacts.info().to_json(), mimetype="application/json")

    @app.get("/models/<path:name>")
    def model(name: str) -> Response:
        return send_from_directory(models.resolve(), name)

    @app.errorhandler(InvalidArtifactsError)
    def refused(error: InvalidArtifactsError) -> tuple[str, int]:
        return str(error), 400

    @app.errorhandler(TooLargeError)
    def too_large(error: TooLargeError) -> tuple[str, int]:
        return str(error), 413

    @app.after_request
    def allow_the_page(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "http://127.0.0.1:8080"  # the origin of your page
        return response

    return app


if __name__ == "__main__":
    create_app(Path("models")).run(host="127.0.0.1", port=5000)

"""What one transaction has put out of line, pinned until it is over."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from ..abc import Blob, BlobStore, Buffer
from ..values import Encoded
from .staging import Staging, stand_in


class TransactionBinaries:
    """Belongs to the front end's thread, but for ``give_up``."""

    __slots__ = ("_blobs", "_staged", "_staging", "_under_way")

    def __init__(self, staging: Staging, blobs: BlobStore) -> None:
        self._staging = staging
        self._blobs = blobs
        self._staged: list[Blob] = []
        self._under_way: dict[str, Future[Blob]] = {}

    def stage(self, data: Buffer) -> Blob:
        """What stands for the bytes in a value until they are staged."""
        blob = stand_in(memoryview(data).nbytes)
        self._under_way[blob.digest] = self._staging.begin(data)
        return blob

    def adopt(self, blob: Blob) -> None:
        """Takes over a blob that somebody else has staged, with its pin."""
        self._staged.append(blob)

    def awaited_by(self, value: Encoded) -> Sequence[Future[Blob]]:
        """What has to be done before ``stored_form``."""
        if not value.blobs or not self._under_way:
            return ()
        return [self._under_way[blob.digest] for blob in value.blobs if blob.digest in self._under_way]

    def stored_form(self, value: Encoded) -> Encoded:
        """The value with the blobs in place of what stood for them. Raises what staging one of them raised."""
        return value.with_blobs([self._blob_for(blob) for blob in value.blobs])

    def give_up(self) -> None:
        """Lets go of all, whether a batch refers to it by now or nothing does."""
        staged, self._staged = self._staged, []
        for blob in staged:
            self._blobs.redeem(blob)
        under_way, self._under_way = self._under_way, {}
        for future in under_way.values():
            future.add_done_callback(self._redeem)

    def _blob_for(self, stand_in: Blob) -> Blob:
        future = self._under_way.pop(stand_in.digest, None)
        if future is None:
            return stand_in
        blob = future.result()
        self._staged.append(blob)
        return blob

    def _redeem(self, future: Future[Blob]) -> None:
        if future.exception() is None:
            self._blobs.redeem(future.result())

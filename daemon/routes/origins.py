"""Usage and quota."""

from __future__ import annotations

from aiohttp import web

from ...model_io.store import StorageEstimate
from ...wire.schemas import Estimate
from ..service import Call, json_answer
from . import readable


async def origins(call: Call) -> web.StreamResponse:
    """``{origin: estimate}`` of every origin that holds something."""
    estimates = await call.service.workers.long(call.service.origins.estimates)
    return json_answer({name: estimate_json(estimate) for name, estimate in estimates.items()})


async def estimate(call: Call) -> web.StreamResponse:
    origin = await call.origin()
    return json_answer(estimate_json(await call.service.workers.short(call.service.origins.estimate, origin.name)))


def estimate_json(estimate: StorageEstimate) -> Estimate:
    return {
        "usage": estimate.usage,
        "quota": estimate.quota,
        "usageDetails": dict(estimate.usage_details),
        "localStorage": {"usage": estimate.local_storage_units, "quota": estimate.local_storage_quota},
        "models": estimate.models,
    }


ROUTES = (*readable("/v1/origins", origins), *readable("/v1/estimate", estimate))

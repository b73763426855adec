"""Importing over JSON: one file in any format that we read."""

from typing import Annotated

from litestar import Response, Router, post
from litestar.datastructures import UploadFile
from litestar.params import Parameter

from botbot.accounts.rules import Viewer
from botbot.admin.rules import require_admin
from botbot.errors import UnsupportedMediaType, ValidationFailed
from botbot.exchange.importing import import_file
from botbot.exchange.report import Report
from botbot.house import House
from botbot.security.requests import MAX_UPLOAD, StrictRequest, media_type

PRIVATE = {"cache-control": "private, no-store"}


@post("/import", status_code=200, summary="Import entries", request_max_body_size=MAX_UPLOAD)
async def import_entries(
    request: StrictRequest,
    house: House,
    viewer: Viewer | None,
    dry_run: Annotated[bool, Parameter(query="dryRun")] = False,
) -> Response[Report]:
    """A file as `multipart/form-data`, or a JSON document as the body. With `dryRun=true` nothing is stored. The format
    is told from the content; what comes from a foreign one is hidden until it is published."""
    who = require_admin(viewer)
    data, name = await read_upload(request)
    return Response(await import_file(house, who.user_id, data, name, dry_run=dry_run), headers=PRIVATE)


async def read_upload(request: StrictRequest) -> tuple[bytes, str]:
    """The one file of a form, or the body itself. Raises `ValidationFailed`."""
    kind = media_type(request.headers.get("content-type", ""))
    if kind == "application/json":
        return await request.body(), "import.json"
    if kind != "multipart/form-data":
        raise UnsupportedMediaType
    try:
        form = await request.form()
    except (UnicodeError, ValueError) as error:
        raise ValidationFailed("That form can't be read.") from error
    files = [each for each in form.values() if isinstance(each, UploadFile)]
    if len(files) != 1 or not files[0].filename:
        raise ValidationFailed(fields={"file": "must be one file"})
    return await files[0].read(), files[0].filename


router = Router("/api/marketplace/admin", route_handlers=[import_entries], tags=["admin"])

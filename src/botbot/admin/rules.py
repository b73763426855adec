"""Who may be in the panel."""

from botbot.accounts.rules import Viewer
from botbot.errors import AuthenticationRequired, NotFound, PermissionDenied


def require_staff(viewer: Viewer | None) -> Viewer:
    """Moderators and admins read. To everybody else the panel isn't there."""
    if viewer is None:
        raise AuthenticationRequired
    if not viewer.is_staff:
        raise NotFound
    return viewer


def require_admin(viewer: Viewer | None) -> Viewer:
    """Admins write; a moderator hears that this is what it takes."""
    who = require_staff(viewer)
    if not who.is_admin:
        raise PermissionDenied("Only an admin may change this.", required="admin")
    return who

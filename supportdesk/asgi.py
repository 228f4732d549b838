"""The web process: Django over HTTP, Channels over WebSocket."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportdesk.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from supportdesk.chat.routing import websocket_urlpatterns as chat  # noqa: E402
from supportdesk.console.routing import websocket_urlpatterns as console  # noqa: E402
from supportdesk.core.sockets import SameOrigin, UnknownPath  # noqa: E402
from supportdesk.core.start import refuse_unsafe_start  # noqa: E402

refuse_unsafe_start()

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": SameOrigin(AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([*console, *chat, UnknownPath.pattern()])))),
    }
)

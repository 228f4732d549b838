"""The OpenAPI document and its page. Both are public and tell nothing of any workspace."""

import json
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from supportdesk.api.problems import MEDIA_TYPE, problem


class Document(SpectacularAPIView):
    """/api/v1/openapi.json"""

    renderer_classes: Any = (OpenApiJsonRenderer,)
    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()
    http_method_names = ("get", "head")


class Page(SpectacularSwaggerSplitView):
    """/api/v1/docs/: Swagger UI from our own static files. Its styles are inline, so its address has a policy of its own."""

    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()
    http_method_names = ("get", "head")
    url_name = "api:document"


page = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(Page.as_view())


@csrf_exempt
def nothing_here(request: HttpRequest, path: str = "") -> HttpResponse:
    """Whatever lies under /api/ and is no operation."""
    return HttpResponse(json.dumps(problem(404, "not_found", "There is nothing here.")), status=404, content_type=MEDIA_TYPE)

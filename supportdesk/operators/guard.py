"""Who may be on the operators' site: platform operators with a second factor, who prove themselves again before each change."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from supportdesk.accounts.middleware import note_session
from supportdesk.accounts.second_factor import SHOWN, has_second_factor
from supportdesk.core.models import User
from supportdesk.core.same_page import FIELD
from supportdesk.core.stepup import PROOF_FIELD, demand_proof

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def operators_only(*names: str, before_factor: bool = False) -> Callable[[View[P]], View[P]]:
    """Let the view run for a platform operator (`User.is_superuser`) who showed a second factor; to other people it is not there.

    `names` are the fields its form takes, and no others. A form is taken within ten minutes after its operator proved who they are.
    """

    def around(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            user: Any = request.user
            if not user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not user.is_superuser:
                raise Http404
            note_session(request)
            if not before_factor and not has_second_factor(user):
                return redirect("operator:second_factor")
            if not before_factor and not request.session.get(SHOWN):
                return redirect(f"{reverse('operator:prove')}")
            if unknown := sorted(set(request.POST) - {*names, "csrfmiddlewaretoken", PROOF_FIELD, FIELD}):
                raise BadRequest(f"This form has no field “{unknown[0][:40]}”.")
            if request.method == "POST" and not before_factor and (asked := demand_proof(request)) is not None:
                return asked
            return view(request, *args, **kwargs)

        guarded.is_for_operators = True  # type: ignore[attr-defined]
        guarded.operator_takes = names  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return around


def operator_of(request: HttpRequest) -> User:
    """The operator, for views behind `operators_only`."""
    return cast(User, request.user)

"""The failure of a login by OpenID Connect. Pure."""

from __future__ import annotations


class SignOnFailed(Exception):
    """A login that came to nothing.

    ``message`` is a sentence for the person, with nothing secret in it; ``status`` the HTTP status of the answer.
    ``is_guess``: the code was none of the issuer's, as that of somebody who tries codes.
    """

    def __init__(self, message: str, *, status: int = 403, is_guess: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.is_guess = is_guess

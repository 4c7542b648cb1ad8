//! The sorts of problems: each has its name, its status, its title, and what to do about it.

use axum::http::StatusCode;

/// What sort of error it is; each has its `type`, title and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// A parameter of the query or the path is unknown, missing or wrong.
    BadParameter,
    /// The body is not what was expected.
    BadBody,
    /// Nobody is signed in, or the token or session is not good.
    NotSignedIn,
    /// Signed in, but not allowed to do this.
    NotAllowed,
    /// A cookie came with a request that another site caused.
    CrossSite,
    /// The name or the password is wrong.
    WrongPassword,
    /// A sign-in link that was used, has expired or never was.
    LinkSpent,
    /// There is no such thing.
    NotFound,
    /// The thing is there but does not take this method.
    MethodNotAllowed,
    /// It clashes with what is there.
    Conflict,
    /// The body is larger than the configuration allows.
    TooLarge,
    /// The body is not JSON.
    MediaType,
    /// No room on the disk.
    NoRoom,
    /// More at once than the configuration allows.
    TooMany,
    /// Too many attempts from there; `Retry-After` says when the next is looked at.
    Held,
    /// The answer took longer than the configuration allows.
    TooSlow,
    /// The gateway cannot do its work now.
    NotReady,
    /// The request is not understood.
    BadRequest,
    /// A fault of the gateway.
    Internal,
}

impl ProblemKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::BadParameter,
        Self::BadBody,
        Self::NotSignedIn,
        Self::NotAllowed,
        Self::CrossSite,
        Self::WrongPassword,
        Self::LinkSpent,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::MediaType,
        Self::NoRoom,
        Self::TooMany,
        Self::Held,
        Self::TooSlow,
        Self::NotReady,
        Self::BadRequest,
        Self::Internal,
    ];

    /// The last part of `type`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        self.row().0
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// Its title, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::BadParameter => {
                "The members `parameter`, `found` and `expected` say which one, what stood there and what should have."
            }
            Self::BadBody => {
                "`parameter` is the place in the body, `expected` what should stand there; the shapes are in /api/openapi.json."
            }
            Self::NotSignedIn => {
                "Send an API token as `Authorization: Bearer …`, or sign in at /sign-in."
            }
            Self::NotAllowed => {
                "The right each route needs is `x-right` in /api/openapi.json; a token of a wider scope is made by an administrator."
            }
            Self::CrossSite => {
                "A change by cookie is made from the page of this gateway only; a program uses a token."
            }
            Self::WrongPassword => {
                "Try again, or make a link with `lujiang-gateway sign-in`, which also sets a new password."
            }
            Self::LinkSpent => {
                "A link works once and expires. `lujiang-gateway sign-in` makes another."
            }
            Self::NotFound => "The thing was removed, or its name is misspelt.",
            Self::MethodNotAllowed => "The `Allow` header names the methods this address takes.",
            Self::Conflict => "`detail` says with what; look at how it is now, then decide again.",
            Self::TooLarge => "Send less at once, or raise `http.body_max` in the configuration.",
            Self::MediaType => "Send `Content-Type: application/json`.",
            Self::NoRoom => {
                "Make room on the disk of the data folder. Facts are taken again by themselves then."
            }
            Self::TooMany => "Wait, or raise the limit that `detail` names.",
            Self::Held => {
                "Wait as long as the `Retry-After` header says; until then nothing is looked at, right or wrong."
            }
            Self::TooSlow => "Ask for less at once, or raise `http.request_timeout`.",
            Self::NotReady => "`detail` says why; it goes away by itself, or with what it names.",
            Self::BadRequest => "`detail` says what was not understood.",
            Self::Internal => "The gateway’s log names the cause under the id in `instance`.",
        }
    }

    fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadParameter => ("bad-parameter", S::BAD_REQUEST, "A parameter is wrong"),
            Self::BadBody => (
                "bad-body",
                S::UNPROCESSABLE_ENTITY,
                "The body is not what was expected",
            ),
            Self::NotSignedIn => ("not-signed-in", S::UNAUTHORIZED, "Not signed in"),
            Self::NotAllowed => ("not-allowed", S::FORBIDDEN, "Not allowed"),
            Self::CrossSite => (
                "cross-site",
                S::FORBIDDEN,
                "The request does not come from this site",
            ),
            Self::WrongPassword => (
                "wrong-password",
                S::FORBIDDEN,
                "The name or the password is wrong",
            ),
            Self::LinkSpent => (
                "link-spent",
                S::FORBIDDEN,
                "The sign-in link is not good any more",
            ),
            Self::NotFound => ("not-found", S::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                S::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::Conflict => ("conflict", S::CONFLICT, "It clashes with what is there"),
            Self::TooLarge => ("too-large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::MediaType => (
                "media-type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "The body is not JSON",
            ),
            Self::NoRoom => ("no-room", S::INSUFFICIENT_STORAGE, "No room on the disk"),
            Self::TooMany => ("too-many", S::SERVICE_UNAVAILABLE, "Too many at once"),
            Self::Held => (
                "held",
                S::TOO_MANY_REQUESTS,
                "Too many attempts; wait before the next",
            ),
            Self::TooSlow => (
                "too-slow",
                S::SERVICE_UNAVAILABLE,
                "The answer took too long",
            ),
            Self::NotReady => ("not-ready", S::SERVICE_UNAVAILABLE, "Not ready"),
            Self::BadRequest => (
                "bad-request",
                S::BAD_REQUEST,
                "The request is not understood",
            ),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "The gateway failed"),
        }
    }

    /// The kind that tells a bare status.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::NotSignedIn,
            StatusCode::FORBIDDEN => Self::NotAllowed,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::MediaType,
            StatusCode::TOO_MANY_REQUESTS => Self::Held,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

//! Parameters of a query, read strictly: an unknown or doubled one is refused by name, and a
//! wrong one is told with what was found and what was expected.
//!
//! Which names a route knows comes from its description in the OpenAPI document, so that the two
//! cannot differ.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::Uri;
use axum::http::request::Parts;
use lujiang_wire::DeviceId;
use utoipa::IntoParams;

use super::problem::{Problem, ProblemKind};

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the query of an address; `P` describes what may stand there.
    pub(super) fn of<P: IntoParams>(uri: &Uri) -> Result<Self, Problem> {
        let known: Vec<String> = P::into_params(|| None)
            .into_iter()
            .map(|parameter| parameter.name)
            .collect();
        let mut found: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs(uri)? {
            if !known.contains(&name) {
                return Err(unknown(&name, &known));
            }
            if found.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Problem::parameter(&name, &value, "it only once"));
            }
            found.push((name, value));
        }
        Ok(Self(found))
    }

    /// The text of a parameter; an empty one counts as not given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(given, _)| given == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// A parameter as a value.
    pub(super) fn value<T>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr<Err: Display>,
    {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Problem::parameter(name, text, expected))
            })
            .transpose()
    }
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map(|query| query.0)
        .map_err(|rejection| Problem::new(ProblemKind::BadRequest, rejection.body_text()))
}

fn unknown(name: &str, known: &[String]) -> Problem {
    let expected = if known.is_empty() {
        "no parameters".to_owned()
    } else {
        format!("one of {}", known.join(", "))
    };
    let detail = format!("there is no parameter {name:?}; expected {expected}");
    Problem::unknown_parameter(name, detail, expected)
}

/// The id at the end of a path: a device or a site.
#[derive(Debug)]
pub(super) struct PathId(pub(super) DeviceId);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(ProblemKind::BadRequest, error.body_text()))?;
        text.parse()
            .map(Self)
            .map_err(|_| Problem::parameter("id", &text, "1 to 64 letters, digits, -, _ or ."))
    }
}

/// The number within a path: an entry of the ledger.
#[derive(Debug)]
pub(super) struct PathNumber(pub(super) i64);

impl<S: Send + Sync> FromRequestParts<S> for PathNumber {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(ProblemKind::BadRequest, error.body_text()))?;
        text.parse()
            .map(Self)
            .map_err(|_| Problem::parameter("number", &text, "the number of an entry"))
    }
}

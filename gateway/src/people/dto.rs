//! What the routes of tokens and links are asked and answer, shared by the HTTP API and the
//! command line.

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewToken, Token};

/// `POST /api/v1/tokens`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenRequest {
    /// Its name, in the audit and for its removal.
    #[schema(value_type = String, example = "warehouse")]
    pub name: DeviceId,
    /// `read`, `operate` or `administer`; no wider than the caller's own right.
    #[schema(example = "read")]
    pub scope: String,
    /// When it ends; when it is removed, where that is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A new API token: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// Its name.
    #[schema(value_type = String)]
    pub name: DeviceId,
    /// What it may be used for.
    pub scope: String,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// The token, for `Authorization: Bearer …`.
    #[schema(example = "ljt_…")]
    pub token: String,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenSummary {
    /// Its name.
    #[schema(value_type = String)]
    pub name: DeviceId,
    /// What it may be used for.
    #[schema(example = "read")]
    pub scope: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made: Timestamp,
    /// When it ends; null: when it is removed.
    #[schema(required = true)]
    pub expires: Option<Timestamp>,
    /// The hour of its last use; null: never.
    #[schema(required = true)]
    pub used: Option<Timestamp>,
}

/// `GET /api/v1/tokens`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// By name.
    pub tokens: Vec<TokenSummary>,
}

/// A one-time link: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInLink {
    /// The address to open.
    pub link: String,
}

impl NewTokenRequest {
    /// What is asked of the people.
    ///
    /// # Errors
    /// Where the scope is none.
    pub fn new_token(self) -> Result<NewToken, super::NoRight> {
        Ok(NewToken {
            name: self.name,
            scope: self.scope.parse()?,
            expires: self.expires,
        })
    }
}

impl IssuedToken {
    /// A token that was made, with its secret.
    #[must_use]
    pub fn of(token: Token, secret: &super::Secret) -> Self {
        Self {
            name: token.name,
            scope: token.scope.as_str().to_owned(),
            expires: token.expires,
            token: secret.as_str().to_owned(),
        }
    }
}

impl From<Token> for TokenSummary {
    fn from(token: Token) -> Self {
        Self {
            name: token.name,
            scope: token.scope.as_str().to_owned(),
            made_by: token.made_by,
            made: token.made,
            expires: token.expires,
            used: token.used,
        }
    }
}

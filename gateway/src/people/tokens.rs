//! API tokens: made, listed, removed, and when each was last used.

use jiff::{Timestamp, TimestampRound, Unit};
use lujiang_wire::DeviceId;
use serde_json::json;

use super::{Caller, Change, Entry, People, PeopleError, Right, Secret, SecretHash, Token};
use crate::store::people::{self as rows, TokenRow};

/// Tokens at once: a library has a few programs, and each change reads all of them.
const TOKENS_MAX: usize = 256;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name, in the audit and for its removal.
    pub name: DeviceId,
    /// What it may be used for.
    pub scope: Right,
    /// When it ends; none: when it is removed.
    pub expires: Option<Timestamp>,
}

impl People {
    /// Makes a token; its secret is shown this once.
    ///
    /// # Errors
    /// Where the caller may less himself, the name is taken, or nothing could be written.
    pub async fn add_token(
        &self,
        token: NewToken,
        caller: &Caller,
    ) -> Result<(Token, Secret), PeopleError> {
        let own = caller.right;
        if !own.covers(token.scope) {
            let asked = token.scope;
            return Err(PeopleError::TokenScope { asked, own });
        }
        let secret = Secret::api_token();
        let row = TokenRow {
            name: token.name,
            scope: token.scope,
            hash: SecretHash::of(secret.as_str()),
            made_by: caller.name.clone(),
            made: self.0.clock.wall(),
            expires: token.expires,
            used: None,
        };
        let made = Token::from(&row);
        let change = move |change: &Change<'_>| {
            let tokens = &change.roll.tokens;
            if tokens.contains_key(&row.name) {
                return Err(PeopleError::TokenTaken(row.name));
            }
            if tokens.len() >= TOKENS_MAX {
                return Err(PeopleError::TokensFull { max: TOKENS_MAX });
            }
            if row.expires.is_some_and(|expires| expires <= change.at) {
                return Err(PeopleError::TokenExpired);
            }
            rows::add_token(change.connection, &row)?;
            Ok(Entry {
                after: Some(json!({ "scope": row.scope.as_str(), "expires": row.expires })),
                ..Entry::new("token.add", row.name.as_str())
            })
        };
        self.change(&caller.actor(), change).await?;
        Ok((made, secret))
    }

    /// Removes a token; what it still does ends within seconds.
    ///
    /// # Errors
    /// Where there is none of that name, or nothing could be written.
    pub async fn remove_token(&self, name: &DeviceId, caller: &Caller) -> Result<(), PeopleError> {
        let name = name.clone();
        let change = move |change: &Change<'_>| {
            let Some(row) = change.roll.tokens.get(&name) else {
                return Err(PeopleError::UnknownToken(name));
            };
            rows::remove_token(change.connection, &name)?;
            Ok(Entry {
                before: Some(json!({ "scope": row.scope.as_str(), "expires": row.expires })),
                ..Entry::new("token.remove", name.as_str())
            })
        };
        self.change(&caller.actor(), change).await?;
        let roll = self.roll();
        let still_there = |hash: &SecretHash| roll.tokens.values().any(|row| row.hash == *hash);
        self.desk().used.retain(|hash, _| still_there(hash));
        Ok(())
    }

    /// All tokens, by name.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        let used = self.desk().used.clone();
        let roll = self.roll();
        roll.tokens
            .values()
            .map(|row| Token {
                used: used.get(&row.hash).copied().max(row.used),
                ..Token::from(row)
            })
            .collect()
    }

    /// Remembers the hour a token is used in; the disk is told once an hour and is not waited for.
    pub(super) fn note_use(&self, token: &TokenRow) {
        let hour = TimestampRound::new().smallest(Unit::Hour);
        let hour = hour.mode(jiff::RoundMode::Trunc);
        let Ok(hour) = self.0.clock.wall().round(hour) else {
            return;
        };
        let known = self.desk().used.insert(token.hash, hour);
        if known.max(token.used).is_some_and(|known| known >= hour) {
            return;
        }
        let (store, hash) = (self.0.store.clone(), token.hash);
        self.0.changing.spawn(async move {
            let noting = move |tx: &rusqlite::Transaction<'_>| rows::token_used(tx, &hash, hour);
            if let Err(error) = store.decide(noting).await {
                tracing::debug!(%error, "the use of a token is remembered in memory only");
            }
        });
    }
}

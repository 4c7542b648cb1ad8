//! A key of a role: Ed25519, kept as PKCS #8. Debug shows none of it.

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};
use tough::key_source::KeySource;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use tough::sign::Sign;

/// What a trait of tough answers with where it fails.
type Boxed = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A private key with which a role is signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleKey(Vec<u8>);

/// The public half of a key, as the root of a repository has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(pub(crate) Key);

/// Why bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an Ed25519 key as PKCS #8 in hexadecimal digits")]
pub struct RoleKeyError;

impl RoleKey {
    /// Makes one.
    ///
    /// # Panics
    /// Where the machine has no random numbers.
    #[must_use]
    pub fn generate() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let pkcs8 = pkcs8.expect("the machine has random numbers");
        Self(pkcs8.as_ref().to_vec())
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.pair().tuf_key())
    }

    /// For tough to sign with.
    pub(crate) fn source(&self) -> Box<dyn KeySource> {
        Box::new(self.clone())
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_pkcs8(&self.0).expect("it was made or read as one")
    }
}

impl PublicKey {
    /// By what signatures and roles name it.
    pub(crate) fn id(&self) -> Decoded<Hex> {
        self.0.key_id().expect("a key can be written as JSON")
    }

    /// Its name for people: the beginning of its id.
    #[must_use]
    pub fn name(&self) -> String {
        hex::encode(self.id().as_ref()).chars().take(16).collect()
    }
}

impl fmt::Debug for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<RoleKey> for String {
    fn from(key: RoleKey) -> Self {
        hex::encode(key.0)
    }
}

impl TryFrom<String> for RoleKey {
    type Error = RoleKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let pkcs8 = hex::decode(text.trim()).map_err(|_| RoleKeyError)?;
        Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| RoleKeyError)?;
        Ok(Self(pkcs8))
    }
}

#[async_trait]
impl KeySource for RoleKey {
    async fn as_sign(&self) -> Result<Box<dyn Sign>, Boxed> {
        Ok(Box::new(self.pair()))
    }

    async fn write(&self, _value: &str, _key_id: &str) -> Result<(), Boxed> {
        Err("keys are written by the vault alone".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_never_shown() {
        let key = RoleKey::generate();
        let text = String::from(key.clone());
        assert_eq!(RoleKey::try_from(text.clone()), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "[redacted]");
        assert_eq!(RoleKey::try_from(text[2..].to_owned()), Err(RoleKeyError));
        assert_eq!(key.public().name().len(), 16);
    }
}

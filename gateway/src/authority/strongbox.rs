//! The file the authority lives in: its certificate, and its key sealed with the secret.
//!
//! One file, so that after a crash both are there or neither. The key is sealed with AES-256-GCM
//! under a key that HKDF-SHA256 derives from the secret and a salt of the file; the certificate
//! is bound to it as associated data.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::secret::{AuthoritySecret, SecretPlace};
use super::{AuthorityError, IssuerKey};
use crate::data_dir::{random_bytes, replace_file};

/// The version of the stored form.
const VERSION: u32 = 1;

/// What the derived key is for.
const INFO: &[u8] = b"lujiang authority v1";

/// What the file is expected to be, in errors.
const EXPECTED: &str = "an authority's key of version 1, as the gateway wrote it";

/// The authority's file.
pub(super) struct Strongbox {
    path: PathBuf,
}

/// A key as PKCS #8 (DER), and the certificate (PEM) that goes with it.
pub(super) struct Opened {
    pub(super) certificate: String,
    pub(super) key: IssuerKey,
}

/// The stored form; bytes are base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    certificate: String,
    salt: String,
    nonce: String,
    sealed: String,
}

impl Strongbox {
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Puts certificate and key into the file.
    pub(super) fn fill(
        &self,
        secret: &AuthoritySecret,
        certificate: &str,
        key: &IssuerKey,
    ) -> Result<(), AuthorityError> {
        let salt = random_bytes::<32>();
        let mut sealed = key.0.clone();
        let nonce = sealing_key(secret, &salt)
            .seal_in_place_append_tag(Aad::from(certificate.as_bytes()), &mut sealed)
            .map_err(|_| AuthorityError::Make {
                what: "the authority's key file",
                reason: "sealing failed".to_owned(),
            })?;
        let stored = Stored {
            version: VERSION,
            certificate: certificate.to_owned(),
            salt: STANDARD.encode(salt),
            nonce: STANDARD.encode(nonce.as_ref()),
            sealed: STANDARD.encode(&sealed),
        };
        let json = serde_json::to_vec_pretty(&stored).expect("texts are always JSON");
        Ok(replace_file(&self.path, &json)?)
    }

    /// Opens the file with the secret of that place.
    pub(super) fn open(&self, place: &SecretPlace) -> Result<Opened, AuthorityError> {
        let secret = AuthoritySecret::read(place)?;
        let text = fs::read(&self.path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => AuthorityError::Missing {
                path: self.path.clone(),
            },
            _ => AuthorityError::File {
                action: "read",
                path: self.path.clone(),
                source,
            },
        })?;
        let content = || AuthorityError::Content {
            path: self.path.clone(),
            expected: EXPECTED,
        };
        let stored: Stored = serde_json::from_slice(&text).map_err(|_| content())?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| content());
        if stored.version != VERSION {
            return Err(content());
        }
        let (salt, nonce) = (bytes(&stored.salt)?, bytes(&stored.nonce)?);
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| content())?;
        let mut sealed = bytes(&stored.sealed)?;
        let opened = sealing_key(&secret, &salt)
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(stored.certificate.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| AuthorityError::WrongSecret {
                secret: place.path().to_owned(),
                path: self.path.clone(),
            })?;
        Ok(Opened {
            key: IssuerKey(opened.to_vec()),
            certificate: stored.certificate,
        })
    }
}

fn sealing_key(secret: &AuthoritySecret, salt: &[u8]) -> RandomizedNonceKey {
    let mut key = [0; 32];
    Salt::new(HKDF_SHA256, salt)
        .extract(secret.reveal())
        .expand(&[INFO], HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut key))
        .expect("32 bytes are what this hash gives");
    RandomizedNonceKey::new(&AES_256_GCM, &key).expect("AES-256 has keys of 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out_with_the_same_secret_only() {
        let folder = tempfile::tempdir().unwrap();
        let secret = |name: &str| SecretPlace::Own(folder.path().join(name));
        let strongbox = Strongbox::at(&folder.path().join("authority.key"));
        let made = AuthoritySecret::read_or_make(&secret("one")).unwrap();
        let key = IssuerKey(b"a key nobody may see".to_vec());
        strongbox.fill(&made, "a certificate", &key).unwrap();
        let opened = strongbox.open(&secret("one")).unwrap();
        assert_eq!(opened.certificate, "a certificate");
        assert_eq!(opened.key.0, key.0);
        let file = fs::read(&strongbox.path).unwrap();
        assert!(!file.windows(5).any(|window| window == b"nobod"));

        AuthoritySecret::read_or_make(&secret("other")).unwrap();
        let Err(wrong) = strongbox.open(&secret("other")) else {
            panic!("it opened with another secret");
        };
        let told = wrong.to_string();
        assert!(
            told.contains("other") && told.contains("authority.key"),
            "{told}"
        );
    }

    #[test]
    fn a_changed_certificate_or_a_cut_file_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let place = SecretPlace::Own(folder.path().join("secret"));
        let strongbox = Strongbox::at(&folder.path().join("authority.key"));
        let secret = AuthoritySecret::read_or_make(&place).unwrap();
        let key = IssuerKey(vec![7; 64]);
        strongbox.fill(&secret, "certificate", &key).unwrap();
        let whole = fs::read_to_string(&strongbox.path).unwrap();
        fs::write(
            &strongbox.path,
            whole.replace("certificate\"", "certificatf\""),
        )
        .unwrap();
        assert!(strongbox.open(&place).is_err());
        fs::write(
            &strongbox.path,
            whole.replace("\"certificate\",", "\"Certificate\","),
        )
        .unwrap();
        let changed = strongbox.open(&place);
        assert!(matches!(changed, Err(AuthorityError::WrongSecret { .. })));
        fs::write(&strongbox.path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(
            strongbox.open(&place),
            Err(AuthorityError::Content { .. })
        ));
    }
}

//! Who has all the keys, and signs what no gateway of ours would publish.

use aws_lc_rs::signature::Ed25519KeyPair;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tough::TargetName;
use tough::schema::{Hashes, Metafile, Role, Signed, Snapshot, Target, Targets};

use super::*;

/// The repository as it is served, and the keys.
pub(super) struct Forger<'a>(pub(super) &'a Press);

impl Forger<'_> {
    /// Signs one more target, and all above it anew under the versions they have.
    pub(super) fn names(&self, name: &str) {
        let vault = std::fs::read(self.0.vault_file()).unwrap();
        let vault: serde_json::Value = serde_json::from_slice(&vault).unwrap();
        let online = serde_json::to_value(&self.0.keys).unwrap();
        let target = Target {
            length: 1,
            hashes: Hashes {
                sha256: vec![1; 32].into(),
                _extra: Default::default(),
            },
            custom: Default::default(),
            _extra: Default::default(),
        };
        let newest = |role: &str| {
            let version = self.0.repository.lock().unwrap().revision();
            let mut files = (1..=version).map(|it| format!("{it}.{role}.json"));
            files.rfind(|it| self.place(it).exists()).unwrap()
        };
        let (targets, snapshot) = (newest("targets"), newest("snapshot"));
        let signed = self.resign(&targets, &vault["targets"], |role: &mut Targets| {
            role.targets.insert(TargetName::new(name).unwrap(), target);
        });
        let signed = self.resign(&snapshot, &online["snapshot"], |role: &mut Snapshot| {
            fit(role.meta.get_mut("targets.json").unwrap(), &signed);
        });
        type Newest = tough::schema::Timestamp;
        let file = "timestamp.json";
        self.resign(file, &online["timestamp"], |role: &mut Newest| {
            fit(role.meta.get_mut("snapshot.json").unwrap(), &signed);
        });
    }

    fn place(&self, file: &str) -> PathBuf {
        self.0.served.join("metadata").join(file)
    }

    fn resign<T: Role + DeserializeOwned>(
        &self,
        file: &str,
        key: &serde_json::Value,
        change: impl FnOnce(&mut T),
    ) -> Vec<u8> {
        let bytes = std::fs::read(self.place(file)).unwrap();
        let mut role: Signed<T> = serde_json::from_slice(&bytes).unwrap();
        change(&mut role.signed);
        let key = hex::decode(key.as_str().unwrap()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(&key).unwrap();
        let signature = key.sign(&role.signed.canonical_form().unwrap());
        role.signatures[0].sig = signature.as_ref().to_vec().into();
        let bytes = serde_json::to_vec(&role).unwrap();
        std::fs::write(self.place(file), &bytes).unwrap();
        bytes
    }
}

fn fit(named: &mut Metafile, bytes: &[u8]) {
    named.length = Some(bytes.len() as u64);
    named.hashes.as_mut().unwrap().sha256 = Sha256::digest(bytes).to_vec().into();
}

//! Readers: credentials for those who only subscribe.

use lujiang_wire::{DeviceId, TopicFilter};
use serde_json::json;

use super::change::Change;
use super::standing::by_password;
use super::{Actor, Issued, Reader, Registry, RegistryError, Verified, Withdrawn, issue};
use crate::store::registry::{self as rows, ReaderRow};

impl Registry {
    /// All readers, by name.
    #[must_use]
    pub fn readers(&self) -> Vec<Reader> {
        let snapshot = self.snapshot();
        snapshot
            .readers
            .values()
            .map(|(reader, _)| reader.clone())
            .collect()
    }

    /// Whether a name is a reader's: names of devices and readers are never the same.
    #[must_use]
    pub fn is_reader(&self, name: &DeviceId) -> bool {
        self.snapshot().readers.contains_key(name)
    }

    /// The reader of that name, where this is its password; otherwise as `verify_device`.
    pub async fn verify_reader(
        &self,
        name: &DeviceId,
        password: &[u8],
    ) -> Option<Verified<Reader>> {
        let snapshot = self.snapshot();
        let found = snapshot.readers.get(name);
        let hash = found.map(|(_, hash)| hash);
        let right = self.passwords.verify(name.as_str(), hash, password).await;
        found.filter(|_| right).map(|(reader, hash)| Verified {
            row: reader.clone(),
            pass: by_password(hash),
        })
    }

    /// Removes a reading credential; its connections end.
    ///
    /// # Errors
    /// Where there is no such reader, or nothing could be written.
    pub async fn remove_reader(&self, name: &DeviceId, actor: &Actor) -> Result<(), RegistryError> {
        let reader = name.clone();
        let change = move |change: &Change<'_>| {
            let Some((known, _)) = change.snapshot.readers.get(&reader) else {
                return Err(RegistryError::UnknownReader(reader));
            };
            let before = json!({ "filters": known.filters });
            rows::remove_reader(change.connection, &reader)?;
            change.record("reader.remove", reader.as_str(), Some(before), None)
        };
        self.change(actor, change).await?;
        self.tell_withdrawn(Withdrawn::Reader(name.clone()));
        Ok(())
    }

    /// Adds a reading credential and issues its password.
    ///
    /// # Errors
    /// Where the name is taken, it may read nothing, or nothing could be written.
    pub async fn add_reader(
        &self,
        name: &DeviceId,
        filters: Vec<TopicFilter>,
        actor: &Actor,
    ) -> Result<Issued<DeviceId>, RegistryError> {
        if filters.is_empty() {
            return Err(RegistryError::NoFilter);
        }
        let (password, hash) = issue().await?;
        let row = ReaderRow {
            name: name.clone(),
            filters,
            password: hash,
        };
        let change = move |change: &Change<'_>| {
            change.name_is_free(&row.name)?;
            rows::put_reader(change.connection, &row)?;
            let after = json!({ "filters": row.filters });
            change.record("reader.add", row.name.as_str(), None, Some(after))
        };
        self.change(actor, change).await?;
        Ok(Issued {
            name: name.clone(),
            password,
        })
    }
}

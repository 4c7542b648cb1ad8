//! Who may have a connection to a listener: so many in all, and from the street so many of one
//! address at once and within a minute.
//!
//! Nothing here waits. Whoever is refused is closed before the first byte: a handshake would cost
//! more than the call.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lujiang_broker::{AddressLimits, Addresses, Caller};
use lujiang_config::{HttpSection, MqttSection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::closed::Closed;

/// The places of one listener.
pub(super) struct Callers {
    places: Arc<Semaphore>,
    street: Option<Arc<Street>>,
}

/// What strangers share.
struct Street {
    calls: Addresses,
    connections_max: usize,
    /// No more than there are places; who has no connection is not in it.
    connections: Mutex<HashMap<Caller, usize>>,
}

/// A place, held while the connection lasts.
pub(super) struct Place {
    _place: OwnedSemaphorePermit,
    _of_address: Option<PlaceOfAddress>,
}

struct PlaceOfAddress {
    street: Arc<Street>,
    caller: Caller,
}

impl Callers {
    /// On this machine: all come from one address, and are ours.
    pub(super) fn of_this_machine(section: &HttpSection) -> Self {
        let places = section.connections_max.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            street: None,
        }
    }

    /// From the street.
    pub(super) fn of_the_street(section: &HttpSection) -> Self {
        // Only calls are counted here; whose password is wrong is known to those who look at it.
        let limits = AddressLimits {
            attempts_per_minute_max: section.attempts_per_minute_max,
            ..AddressLimits::of(&MqttSection::default())
        };
        let street = Street {
            calls: Addresses::new(limits),
            connections_max: section.address_connections_max,
            connections: Mutex::default(),
        };
        Self {
            street: Some(Arc::new(street)),
            ..Self::of_this_machine(section)
        }
    }

    /// A place for a connection of this address.
    ///
    /// # Errors
    /// Why it is closed instead.
    pub(super) fn enter(&self, address: IpAddr, now: Instant) -> Result<Place, Closed> {
        let of_address = match &self.street {
            Some(street) => {
                let called = street.calls.call(address, now);
                called.map_err(|_held| Closed::AttemptsMax)?;
                Some(street.enter(address)?)
            }
            None => None,
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        Ok(Place {
            _place: place.map_err(|_| Closed::ConnectionsMax)?,
            _of_address: of_address,
        })
    }
}

impl Street {
    fn enter(self: &Arc<Self>, address: IpAddr) -> Result<PlaceOfAddress, Closed> {
        let caller = Caller::from(address);
        let mut connections = self.connections();
        let held = connections.get(&caller).copied().unwrap_or(0);
        if held >= self.connections_max {
            return Err(Closed::AddressConnectionsMax);
        }
        connections.insert(caller, held + 1);
        Ok(PlaceOfAddress {
            street: Arc::clone(self),
            caller,
        })
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<Caller, usize>> {
        // Every change is whole before the guard goes.
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PlaceOfAddress {
    fn drop(&mut self) {
        let mut connections = self.street.connections();
        match connections.get_mut(&self.caller) {
            Some(held) if *held > 1 => *held -= 1,
            Some(_) | None => {
                connections.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ONE: &str = "192.0.2.1";
    const OTHER: &str = "192.0.2.2";

    fn section() -> HttpSection {
        HttpSection {
            connections_max: 3,
            address_connections_max: 2,
            attempts_per_minute_max: 60,
            ..HttpSection::default()
        }
    }

    fn refusal(callers: &Callers, address: &str, now: Instant) -> Option<Closed> {
        callers.enter(address.parse().unwrap(), now).err()
    }

    #[test]
    fn one_address_holds_so_many_places_and_others_have_theirs() {
        let callers = Callers::of_the_street(&section());
        let (one, now) = (ONE.parse().unwrap(), Instant::now());
        let first = callers.enter(one, now).ok().unwrap();
        let _second = callers.enter(one, now).ok().unwrap();
        let too_many = Some(Closed::AddressConnectionsMax);
        assert_eq!(refusal(&callers, ONE, now), too_many);
        let other = callers.enter(OTHER.parse().unwrap(), now).ok().unwrap();
        assert_eq!(
            refusal(&callers, "192.0.2.3", now),
            Some(Closed::ConnectionsMax)
        );
        drop((first, other));
        assert_eq!(refusal(&callers, ONE, now), None, "its place is free again");
        assert_eq!(callers.street.unwrap().connections().len(), 1);
    }

    #[test]
    fn one_address_calls_so_often_within_a_minute_and_this_machine_as_often_as_it_likes() {
        let now = Instant::now();
        let street = Callers::of_the_street(&section());
        let here = Callers::of_this_machine(&section());
        for _ in 0..60 {
            assert_eq!(refusal(&street, ONE, now), None);
            assert_eq!(refusal(&here, ONE, now), None);
        }
        assert_eq!(refusal(&street, ONE, now), Some(Closed::AttemptsMax));
        assert_eq!(refusal(&street, OTHER, now), None);
        assert_eq!(refusal(&here, ONE, now), None);
        let later = now + Duration::from_secs(1);
        assert_eq!(refusal(&street, ONE, later), None);
    }
}

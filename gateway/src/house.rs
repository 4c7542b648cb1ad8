//! The house behind the door: the broker's questions answered by registry, intake and presence.

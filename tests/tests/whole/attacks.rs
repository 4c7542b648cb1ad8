//! What stops stock rumqttd, and what becomes of it at our door.
//!
//! Each attack first fells rumqttd 0.20 (a positive control: the bytes do what they are said to
//! do), then comes to a real gateway with the very same bytes while another device publishes
//! facts. [`stage`] has both, [`seven`] the attacks that stop a whole broker, [`faults`] what
//! else is wrong with it.

mod faults;
mod seven;
mod stage;

//! The simulated library, real processes, and faults.
//!
//! Reading order: [`counter`] (a gate's counter on a line), [`process`] (real binaries),
//! [`site`] (a gateway with its folder and its questions), [`gate`] (a counter and its agent), [`bus`] (an agent that lends), [`link`] (a network that breaks), [`paced_line`] (one of so many bits a second),
//! [`disk`] (a disk that loses power or fills), [`packet`] (MQTT as bytes), [`chain`] (an operator's certificates), [`papers`] (a certificate
//! and its key in files), [`publisher`] (a plain device that remembers
//! what was acknowledged), [`subscriber`] (who listens), [`visitors`] (who walks through the doors of a year),
//! [`ils`] (a library system over SIP2), [`machine`] (who asks it),
//! [`lonely_kiosk`] (a kiosk that no line need reach), [`enrolled`] (a device that is let in), [`epubs`] (books of a wanted size), [`route`] (a bus that carries them to a room), [`librarian`] (who publishes them), [`fetcher`] (a device that fetches them), [`restarter`] (one that begins each anew), [`kiosk_process`] (one that shows them), [`bucket`] (an S3 store), [`self_checkout`] (an agent between the two), [`blind_line`] (who says it again),
//! [`gullible`] (a house that believes too much),
//! [`bench`] (how fast all of it is).

pub mod bench;
pub mod blind_line;
pub mod bucket;
pub mod bus;
pub mod chain;
pub mod clock;
pub mod counter;
pub mod demo;
pub mod desk;
pub mod disk;
pub mod enrolled;
pub mod epubs;
pub mod faketime;
pub mod fetcher;
pub mod gate;
pub mod gullible;
pub mod ils;
pub mod kiosk;
pub mod kiosk_process;
pub mod librarian;
pub mod link;
pub mod lonely_kiosk;
pub mod machine;
pub mod own_address;
pub mod paced_line;
pub mod packet;
pub mod papers;
pub mod peer;
pub mod process;
pub mod publisher;
pub mod restarter;
pub mod rounds;
pub mod route;
pub mod self_checkout;
pub mod site;
pub mod subscriber;
pub mod visitors;
pub mod wait;

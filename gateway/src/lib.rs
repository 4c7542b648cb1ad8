//! The gateway: takes facts from the door, keeps them in the ledger, and shows figures.
//!
//! ```text
//! House (broker) -> intake -> store (SQLite: facts, decisions, persons) -> views (sled) -> http
//! ```

pub mod alarms;
pub mod authority;
pub mod cli;
pub mod content;
pub mod data_dir;
pub mod desk;
pub mod drafts;
pub mod enrolment;
pub mod entry;
pub mod house;
pub mod http;
pub mod identity_options;
pub mod intake;
pub mod ledger;
pub mod live;
pub mod loans;
pub mod metrics;
pub mod page;
pub mod papers;
pub mod past_stops;
pub mod people;
pub mod places;
pub mod presence;
pub mod registry;
pub mod rollout;
pub mod rollouts;
pub mod ruling;
pub mod run;
pub mod seal;
pub mod spreadsheet;
pub mod stop_table;
pub mod store;
pub mod views;
pub mod workbook;

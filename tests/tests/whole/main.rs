//! The house as a whole: real processes, foreign peers, faults. It is one program, so that it is
//! linked once; what needs the machine to itself (`bench`, `undisturbed`) is a program of its own,
//! which the runner knows by its name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod bucket;
mod carried;
mod certificates;
mod content_keys;
mod content_serving;
mod cut_link;
mod demo;
mod disk;
mod door_counts;
mod enrolment;
mod epubs;
mod figures;
mod first_fact;
mod full_disk;
mod ils;
mod killed;
mod kiosk_disk;
mod known_mistakes;
mod lending;
mod listeners;
mod loan_desk;
mod loan_papers;
mod long_download;
mod odd_counter;
mod plain_client;
mod presented;
mod publishing;
mod pulled_plug;
mod readers_identity;
mod releases;
mod restored;
mod restored_releases;
mod rights;
mod rollouts;
mod secrets;
mod self_checkout;
mod simulated_week;
mod sticks;
mod upgraded_ils;
mod working_day;
mod yearly_table;

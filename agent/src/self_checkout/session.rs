//! Which transactions at a machine belong together. A session groups what one reader did, and its
//! name names nobody: the reader is compared in memory and written nowhere.

use std::time::{Duration, Instant};

use lujiang_sip2::Private;
use lujiang_wire::Label;

/// The sessions of one machine.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Unique for each run of the agent and each machine.
    prefix: Label,
    idle: Duration,
    count: u64,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    name: Label,
    reader: Option<Private>,
    used: Instant,
}

impl Sessions {
    /// Sessions that begin with this prefix and end after so long without a transaction.
    pub(super) fn new(prefix: Label, idle: Duration) -> Self {
        Self {
            prefix,
            idle,
            count: 0,
            current: None,
        }
    }

    /// The session in which this reader does something now; without a reader, the one that goes on.
    pub(super) fn of(&mut self, now: Instant, reader: Option<&Private>) -> Label {
        let idle = self.idle;
        let going_on = self.current.take().filter(|current| {
            let same = match (&current.reader, reader) {
                (Some(known), Some(reader)) => known == reader,
                (Some(_) | None, None) | (None, Some(_)) => true,
            };
            same && now.duration_since(current.used) < idle
        });
        let mut current = match going_on {
            Some(current) => current,
            None => {
                self.count += 1;
                let name = format!("{}-{}", self.prefix, self.count);
                Current {
                    name: name.parse().expect("a label and a number are a label"),
                    reader: None,
                    used: now,
                }
            }
        };
        current.used = now;
        if let Some(reader) = reader {
            current.reader = Some(reader.clone());
        }
        let name = current.name.clone();
        self.current = Some(current);
        name
    }

    /// The reader is done.
    pub(super) fn end(&mut self) {
        self.current = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Sessions {
        Sessions::new("desk-1f".parse().unwrap(), Duration::from_secs(120))
    }

    #[test]
    fn a_session_is_of_one_reader_and_ends_with_a_pause_or_a_word() {
        let mut sessions = sessions();
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let (zhang, li) = (Private::new("R1"), Private::new("R2"));
        assert_eq!(sessions.of(at(0), None).as_str(), "desk-1f-1");
        assert_eq!(sessions.of(at(1), Some(&zhang)).as_str(), "desk-1f-1");
        assert_eq!(sessions.of(at(100), None).as_str(), "desk-1f-1");
        assert_eq!(sessions.of(at(101), Some(&li)).as_str(), "desk-1f-2");
        assert_eq!(sessions.of(at(221), Some(&li)).as_str(), "desk-1f-3");
        sessions.end();
        assert_eq!(sessions.of(at(222), Some(&li)).as_str(), "desk-1f-4");
    }
}

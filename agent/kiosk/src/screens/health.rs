//! How the screens are: what each says of itself, and since when it is silent. A page speaks only
//! after it has painted; one that hangs is silent, and so is seen.
//!
//! It is a core: times are given to it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{Label, ReportedScreen, Screen, Uptime};

/// Six times the ten seconds a page speaks after: then somebody should look.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(60);

/// The screens.
#[derive(Debug, Default)]
pub(super) struct Health {
    screens: BTreeMap<Screen, Heard>,
}

#[derive(Debug)]
struct Heard {
    said: ReportedScreen,
    at: Uptime,
}

impl Health {
    /// A page has said what it shows. Says whether its screen had been silent.
    pub(super) fn heard(
        &mut self,
        screen: Screen,
        shows: Label,
        seen: Timestamp,
        at: Uptime,
    ) -> bool {
        let said = ReportedScreen {
            screen,
            seen,
            shows,
            is_silent: false,
        };
        self.screens
            .insert(screen, Heard { said, at })
            .is_some_and(|before| before.said.is_silent)
    }

    /// The screens that fell silent since this was last asked, each once.
    pub(super) fn fallen_silent(&mut self, now: Uptime) -> Vec<ReportedScreen> {
        let mut silent = Vec::new();
        for heard in self.screens.values_mut() {
            let since = now.as_duration().saturating_sub(heard.at.as_duration());
            if since >= SILENT_AFTER && !heard.said.is_silent {
                heard.said.is_silent = true;
                silent.push(heard.said.clone());
            }
        }
        silent
    }

    /// What each screen that was ever heard said last, and when.
    pub(super) fn reported(&self) -> Vec<ReportedScreen> {
        self.screens.values().map(|it| it.said.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_screen_is_told_once_and_keeps_the_time_it_was_last_seen() {
        let mut health = Health::default();
        let seen: Timestamp = "2026-11-04T06:32:00Z".parse().unwrap();
        let shows: Label = "shelf".parse().unwrap();
        assert!(!health.heard(Screen::Left, shows.clone(), seen, at(10)));
        assert!(health.fallen_silent(at(69)).is_empty());
        assert_eq!(health.fallen_silent(at(70)).len(), 1);
        assert!(health.fallen_silent(at(200)).is_empty());
        let told = health.reported().remove(0);
        assert_eq!((told.seen, told.is_silent), (seen, true));
        assert!(
            health.heard(Screen::Left, shows, seen, at(201)),
            "it is back"
        );
        assert!(!health.reported()[0].is_silent);
        assert!(health.fallen_silent(at(260)).is_empty());
    }

    fn at(second: u64) -> Uptime {
        Uptime::new(Duration::from_secs(second))
    }
}

use std::net::{IpAddr, Ipv4Addr};

use lujiang_wire::{Boot, Uptime};

use super::*;
use crate::store::StoreOptions;
use crate::store::audit::newest;

const NOW: &str = "2026-11-04T06:32:00Z";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ADMIN_TOKEN: &str = "the-token";

#[tokio::test]
async fn a_link_sets_the_password_which_then_signs_in_also_after_a_restart() {
    let house = House::new().await;
    assert!(!house.people.has_password());
    let link = house.link().await;
    assert_eq!(house.people.link_is_for(&link).as_deref(), Some("admin"));
    house
        .set_password(&link, "Li Wei", "correct horse battery")
        .await
        .unwrap();
    let again = house.set_password(&link, "Li Wei", "correct horse battery");
    assert!(matches!(again.await, Err(PeopleError::LinkSpent)));
    for people in [house.people.clone(), house.open_again().await] {
        let session = people
            .sign_in(" li wei", Typed::new("correct horse battery"), HERE)
            .await;
        let caller = people.session(session.unwrap().as_str()).unwrap();
        assert_eq!(
            (caller.name.as_str(), caller.right),
            ("Li Wei", Right::Administer)
        );
        for (name, password) in [
            ("Li Wei", "correct horse batterY"),
            ("admin", "correct horse battery"),
            ("", ""),
        ] {
            let refused = people.sign_in(name, Typed::new(password), HERE).await;
            assert!(matches!(refused, Err(PeopleError::WrongPassword)), "{name}");
        }
    }
}

#[tokio::test]
async fn a_refused_password_leaves_the_link_good_and_another_one_ends_every_session() {
    let house = House::new().await;
    let link = house.link().await;
    let short = house.set_password(&link, "admin", "too short").await;
    assert!(matches!(
        short,
        Err(PeopleError::Password(WeakPassword::Short))
    ));
    let old = house.set_password(&link, "admin", "the first of two").await;
    let old = old.unwrap();
    let link = house.link().await;
    let new = house.set_password(&link, "lead", "the second of two").await;
    assert!(house.people.session(old.as_str()).is_none());
    assert!(house.people.session(new.unwrap().as_str()).is_some());
    let former = Typed::new("the first of two");
    let refused = house.people.sign_in("admin", former, HERE).await;
    assert!(matches!(refused, Err(PeopleError::WrongPassword)));
    assert_eq!(
        house.acts()[..3],
        [
            "address 127.0.0.1 person.sign-in-failed",
            "lead person.password",
            "test person.link"
        ]
    );
}

#[tokio::test]
async fn too_many_wrong_passwords_are_not_looked_at_right_or_wrong() {
    let house = House::new().await;
    let link = house.link().await;
    house
        .set_password(&link, "admin", "correct horse battery")
        .await
        .unwrap();
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let mut held = 0;
    for number in 0..60 {
        let guess = Typed::new(format!("guess number {number}"));
        let refused = house.people.sign_in("admin", guess, elsewhere).await;
        held += u32::from(matches!(refused, Err(PeopleError::Held { .. })));
    }
    assert!(held >= 45, "{held} of 60 were held");
    let right = Typed::new("correct horse battery");
    let refused = house.people.sign_in("admin", right, HERE).await;
    assert!(matches!(refused, Err(PeopleError::Held { wait }) if wait.as_secs() <= 30));
    // A link is the way back, whoever guesses meanwhile.
    let link = house.link().await;
    assert!(house.people.sign_in_by_link(&link).await.is_ok());
}

#[tokio::test]
async fn a_token_does_what_its_scope_says_until_it_is_removed_or_ends() {
    let house = House::new().await;
    let token = house.add_token("ci", Right::Operate, None).await.unwrap();
    let caller = house.people.bearer(token.as_str()).unwrap();
    assert_eq!(
        (caller.name.as_str(), caller.right),
        ("token ci", Right::Operate)
    );
    let hour = "2026-11-04T06:00:00Z".parse().unwrap();
    assert_eq!(house.people.tokens()[0].used, Some(hour));
    house.people.settled().await;
    let again = house.open_again().await;
    assert_eq!(again.tokens()[0].used, Some(hour));
    assert_eq!(again.bearer(token.as_str()), Some(caller.clone()));

    let taken = house.add_token("ci", Right::Read, None).await;
    assert!(matches!(taken, Err(PeopleError::TokenTaken(_))));
    let past = house.add_token("past", Right::Read, Some(NOW)).await;
    assert!(matches!(past, Err(PeopleError::TokenExpired)));
    let wider = NewToken {
        name: "wide".parse().unwrap(),
        scope: Right::Administer,
        expires: None,
    };
    let wider = house.people.add_token(wider, &caller).await;
    assert!(matches!(wider, Err(PeopleError::TokenScope { .. })));

    let ci = "ci".parse().unwrap();
    house.people.remove_token(&ci, &owner()).await.unwrap();
    assert_eq!(house.people.bearer(token.as_str()), None);
    assert!(!house.people.is_known(&caller.means));
    let gone = house.people.remove_token(&ci, &owner()).await;
    assert!(matches!(gone, Err(PeopleError::UnknownToken(_))));
    assert_eq!(house.acts(), ["owner token.remove", "owner token.add"]);
}

#[tokio::test]
async fn a_token_ends_at_its_moment_by_the_clock() {
    let house = House::new().await;
    let end = Some("2026-11-04T06:32:01Z");
    let token = house.add_token("brief", Right::Read, end).await.unwrap();
    assert!(house.people.bearer(token.as_str()).is_some());
    let later = StandingClock("2026-11-04T06:32:01Z");
    let later = open(&house.store, later).await;
    assert_eq!(later.bearer(token.as_str()), None);
}

#[tokio::test]
async fn only_the_admin_token_is_the_admin_token() {
    let house = House::new().await;
    assert_eq!(
        house.people.bearer(ADMIN_TOKEN).unwrap().means,
        Means::AdminToken
    );
    for wrong in ["", "the-token ", "the-toke", "the-token2"] {
        assert_eq!(house.people.bearer(wrong), None, "{wrong:?}");
    }
}

struct House {
    _folder: tempfile::TempDir,
    store: Store,
    people: People,
}

struct StandingClock(&'static str);

impl Clock for StandingClock {
    fn wall(&self) -> Timestamp {
        self.0.parse().unwrap()
    }

    fn uptime(&self) -> Uptime {
        Uptime::from_millis(0).unwrap()
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        Self {
            people: open(&store, StandingClock(NOW)).await,
            _folder: folder,
            store,
        }
    }

    async fn open_again(&self) -> People {
        open(&self.store, StandingClock(NOW)).await
    }

    async fn link(&self) -> Typed {
        let link = self.people.make_link(None, &Actor::named("test")).await;
        Typed::new(link.unwrap().as_str())
    }

    async fn set_password(
        &self,
        link: &Typed,
        name: &str,
        password: &str,
    ) -> Result<Secret, PeopleError> {
        let name = AccountName::read(name).unwrap();
        self.people
            .set_password(link, name, Typed::new(password))
            .await
    }

    async fn add_token(
        &self,
        name: &str,
        scope: Right,
        expires: Option<&str>,
    ) -> Result<Secret, PeopleError> {
        let token = NewToken {
            name: name.parse().unwrap(),
            scope,
            expires: expires.map(|at| at.parse().unwrap()),
        };
        let added = self.people.add_token(token, &owner()).await;
        added.map(|(_, secret)| secret)
    }

    /// Who did what, newest first.
    fn acts(&self) -> Vec<String> {
        let records = self.store.read(|connection| newest(connection, 100));
        let act = |record: AuditRecord| format!("{} {}", record.actor, record.action);
        records.unwrap().into_iter().map(act).collect()
    }
}

async fn open(store: &Store, clock: StandingClock) -> People {
    let config = GatewayConfig::default();
    People::open(store.clone(), Arc::new(clock), ADMIN_TOKEN, &config)
        .await
        .unwrap()
}

fn owner() -> Caller {
    Caller {
        name: "owner".to_owned(),
        right: Right::Administer,
        means: Means::AdminToken,
    }
}

//! A house for the tests of the API: real rooms in a temporary folder, and how to ask them.

use super::*;

/// Real rooms in a folder of their own, with one gate at one site.
pub(super) struct House {
    pub(super) state: ApiState,
    pub(super) app: Router,
    pub(super) heard: Option<crate::live::Watcher>,
    pub(super) _folder: TempDir,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

struct StandingClock;

impl Clock for StandingClock {
    fn wall(&self) -> Timestamp {
        NOW.parse().unwrap()
    }

    fn uptime(&self) -> Uptime {
        Uptime::from_millis(0).unwrap()
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}

struct Nothing;

impl AfterCommit for Nothing {
    fn committed(&self, _group: &CommittedGroup) {}
}

async fn add_gate(registry: &Registry) {
    let gate = NewDevice {
        id: "gate-1".parse().unwrap(),
        kind: crate::places::DeviceKind::Gate,
        site: "main".parse().unwrap(),
        name: None,
    };
    let actor = Actor::named("test");
    registry.add_device(gate, &actor).await.unwrap();
}

fn rollouts(
    store: &Store,
    registry: &Registry,
    clock: &Arc<dyn Clock>,
) -> crate::rollouts::Rollouts {
    let (store, registry, clock) = (store.clone(), registry.clone(), Arc::clone(clock));
    crate::rollouts::Rollouts::open(
        store,
        registry,
        clock,
        &lujiang_config::RolloutsSection::default(),
    )
    .unwrap()
}

impl House {
    pub(super) async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let section = HttpSection {
            body_max: ByteSize::kib(2),
            live_max: 2,
            ..HttpSection::default()
        };
        let state = Self::rooms(folder.path(), &section).await;
        let metrics = state.metrics.clone();
        let counters = state.intake.counters();
        counters.watch_commits(move |took| metrics.committed(took));
        Self {
            app: app(&section, state.clone()),
            state,
            heard: None,
            _folder: folder,
        }
    }

    pub(super) async fn rooms(folder: &Path, section: &HttpSection) -> ApiState {
        let clock: Arc<dyn Clock> = Arc::new(StandingClock);
        let library = LibrarySection::default();
        let store = Store::open(&folder.join("ledger.db"), StoreOptions::default()).unwrap();
        let zone = library.time_zone.clone();
        let registry = Registry::open(store.clone(), zone, Arc::clone(&clock))
            .await
            .unwrap();
        add_gate(&registry).await;
        let places = {
            let registry = registry.clone();
            Arc::new(move || registry.places())
        };
        let reader = Arc::new(store.clone());
        let views = Views::open(
            &folder.join("views"),
            reader,
            places,
            ViewsSection::default(),
        )
        .unwrap();
        let stopping = CancellationToken::new();
        let following = (views.clone(), store.head_watch(), stopping.clone());
        tokio::spawn(async move { following.0.follow(following.1, following.2).await });
        let seals = Arc::new(Seals::open(folder).unwrap());
        let config = GatewayConfig {
            http: section.clone(),
            ..GatewayConfig::default()
        };
        let people = People::open(store.clone(), Arc::clone(&clock), TOKEN, &config);
        let people = people.await.unwrap();
        let paths = DataPaths::new(folder);
        std::fs::create_dir(paths.keys_dir()).unwrap();
        let authority = Authority::open(&paths, &config, Arc::clone(&clock)).unwrap();
        let issuer = (authority.clone(), registry.clone());
        let enrolment = Enrolment::new(issuer.0, issuer.1, Arc::clone(&clock), &config);
        let (papers, loans) = desk(&store, &seals, &clock, folder);
        let content = content(&store, &clock, folder);
        let drafts = drafts(&store, &content, &registry, &clock, folder);
        ApiState {
            authority,
            enrolment,
            loans,
            content,
            drafts,
            rollouts: rollouts(&store, &registry, &clock),
            papers,
            intake: Intake::start(
                store.clone(),
                IntakeSection::default(),
                seals,
                Arc::clone(&clock),
                Arc::new(Nothing),
            ),
            presence: Presence::restored(Vec::new(), clock.wall()),
            switchboard: Switchboard::new(&MqttSection::default()),
            people,
            live: Live::new(section),
            metrics: Metrics::default(),
            rebuilds: Rebuilds::default(),
            store,
            registry,
            views,
            clock,
            library,
            stopping,
        }
    }

    /// The drafts as another start of the gateway finds them.
    pub(super) fn drafts_anew(&self) -> Drafts {
        let ApiState {
            store,
            content,
            registry,
            clock,
            ..
        } = &self.state;
        drafts(store, content, registry, clock, self._folder.path())
    }

    pub(super) fn follow_live(&mut self) {
        self.heard = self.state.live.watch();
        tokio::spawn(self.state.live.clone().run(
            Arc::new(self.state.clone()),
            self.state.presence.changes(),
            self.state.views.folded(),
            self.state.stopping.clone(),
        ));
    }

    /// Has a batch kept and folded.
    pub(super) async fn keep(&self, device: &str, events: &[Value]) {
        let payload = serde_json::to_vec(&events).unwrap().into();
        let arrival = Arrival {
            device: device.parse().unwrap(),
            origin: lujiang_broker::Origin::Own,
            payload,
            received: NOW.parse().unwrap(),
        };
        let kept = self.state.intake.keep(arrival).await.await;
        assert_eq!(kept, Ok(Kept::Committed));
        let head = self.state.store.head_watch().borrow().number;
        let mut folded = self.state.views.folded();
        folded.wait_for(|folded| *folded >= head).await.unwrap();
    }

    pub(super) fn asking(&self, method: &str, path: &str) -> Request<Body> {
        self.building(method, path).body(Body::empty()).unwrap()
    }

    pub(super) fn sending(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        self.building(method, path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    }

    pub(super) fn building(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header(HOST, "lujiang.test")
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
    }

    pub(super) async fn anonymous(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.asking(method, path);
        request.headers_mut().remove(AUTHORIZATION);
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        self.ask(request).await
    }

    /// Asks without a token, as a page that signs in does.
    pub(super) async fn entering(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.sending("POST", &format!("/api/v1{path}"), body);
        request.headers_mut().remove(AUTHORIZATION);
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        self.ask(request).await
    }

    /// The token of a new sign-in link.
    pub(super) async fn link(&self, asked: Value) -> String {
        let made = self.ask(self.sending("POST", "/api/v1/sign-in-links", &asked));
        let made = made.await.json();
        let link = made["link"].as_str().unwrap();
        let token = link.strip_prefix("http://lujiang.test/sign-in?token=");
        token.unwrap().to_owned()
    }

    /// The cookie of somebody signed in.
    pub(super) async fn signed_in(&self) -> String {
        let token = json!({ "token": self.link(json!({})).await });
        self.entering("/sign-in/link", &token, &[]).await.cookie()
    }

    /// The secret of a new API token.
    pub(super) async fn token(&self, name: &str, scope: &str) -> String {
        let asked = json!({"name": name, "scope": scope});
        let made = self
            .ask(self.sending("POST", "/api/v1/tokens", &asked))
            .await;
        made.json()["token"].as_str().unwrap().to_owned()
    }

    /// Who did what, newest first.
    pub(super) async fn acts(&self) -> Vec<String> {
        let audit = self.get("/api/v1/audit?limit=1000").await.json();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = audit["rows"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", text(row, "actor"), text(row, "action")))
            .collect()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(self.asking("GET", path)).await
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        Answer::of(self.respond(request).await).await
    }

    pub(super) async fn respond(&self, request: Request<Body>) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }
}

/// The papers and the loan desk of a house without a library system.
fn desk(
    store: &Store,
    seals: &Arc<Seals>,
    clock: &Arc<dyn Clock>,
    folder: &Path,
) -> (Papers, Loans) {
    let zone = LibrarySection::default().time_zone;
    let papers = Papers::new(
        store.clone(),
        Arc::clone(seals),
        Arc::clone(clock),
        zone.clone(),
    );
    let loans = Loans::new(
        store.clone(),
        Arc::clone(seals),
        papers.clone(),
        Arc::clone(clock),
        zone,
        LoansSection::default(),
        folder,
    );
    (papers, loans)
}

impl Answer {
    pub(super) async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 22).await.unwrap();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The cookie it sets, as it is sent back.
    pub(super) fn cookie(&self) -> String {
        let cookie = self.headers[SET_COOKIE].to_str().unwrap();
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        cookie.split(';').next().unwrap().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
}

/// A counted minute of 10 o'clock, with a place in the visit stream.
pub(super) fn visit(sequence: u64, entered: u64) -> Value {
    let epoch = "0123456789abcdef0123456789abcdef";
    let from = format!("2026-11-04T02:{sequence:02}:00Z");
    let to = format!("2026-11-04T02:{:02}:00Z", sequence + 1);
    json!({
        "specversion": "1.0",
        "id": format!("{epoch}-visit-{sequence}"),
        "source": "/devices/gate-1",
        "type": "library.visit.counted.v1",
        "time": to,
        "epoch": epoch,
        "stream": "visit",
        "sequence": format!("{sequence:020}"),
        "data": {
            "from": from, "to": to, "in": entered, "out": 1,
            "raw": {"in": entered, "out": 1}, "flags": [],
        },
    })
}

fn drafts(
    store: &Store,
    content: &Content,
    registry: &Registry,
    clock: &Arc<dyn Clock>,
    folder: &Path,
) -> Drafts {
    let rooms = DraftRooms {
        store: store.clone(),
        paths: DataPaths::new(folder),
        content: content.clone(),
        registry: registry.clone(),
        zone: LibrarySection::default().time_zone,
        clock: Arc::clone(clock),
    };
    let section = ContentSection {
        drafts_max: 2,
        draft_files_max: 3,
        ..ContentSection::default()
    };
    Drafts::open(rooms, section).unwrap()
}

fn content(store: &Store, clock: &Arc<dyn Clock>, folder: &Path) -> Content {
    let paths = DataPaths::new(folder);
    Content::open(
        store.clone(),
        &paths,
        Arc::clone(clock),
        ContentSection::default(),
    )
    .unwrap()
}

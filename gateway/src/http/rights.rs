//! The table of rights: every route, and what its caller must be allowed to do.
//!
//! A route is served only through a row of this table, so there can be none that was forgotten;
//! the OpenAPI document tells each one's right as `x-right`. Which right is within which, and
//! what a role may do, stands in `people/rights.rs`.

use axum::middleware;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::access::{Guard, require};
use super::cookie::SessionCookie;
use super::{
    ApiState, audit, carried, content, content_device, desk, device_papers, devices, drafts,
    enrolment, gateway, hidden_titles, lending, loan_conflicts, loan_list, loan_sync, loan_totals,
    payments, persons, probes, quarantine, rebuild, registry, releases, rollouts, rulings, session,
    signing_in, sites, stops, stream, tokens, visits,
};
use crate::people::{People, Right};

/// The member of an operation in the OpenAPI document that tells its right.
const RIGHT: &str = "x-right";

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: whoever reaches the port may ask.
    Nothing,
    /// This right.
    A(Right),
}

/// A route and what it needs.
type Row = (Needs, UtoipaMethodRouter<ApiState>);

/// The routes for monitors, at the root.
pub(super) fn probes() -> OpenApiRouter<ApiState> {
    [
        routes!(probes::healthz),
        routes!(probes::readyz),
        routes!(probes::metrics),
    ]
    .into_iter()
    .map(|route| (Needs::Nothing, route))
    .fold(OpenApiRouter::new(), |router, row| router.routes(told(row)))
}

/// The routes by which devices fetch releases, at the root.
pub(super) fn fetched() -> OpenApiRouter<ApiState> {
    [
        routes!(content_device::metadata),
        routes!(content_device::blob),
        routes!(content_device::blocks),
    ]
    .into_iter()
    .map(|route| (Needs::Nothing, route))
    .fold(OpenApiRouter::new(), |router, row| router.routes(told(row)))
}

/// The table: everything below `/api/v1`, but for what has a part of its own.
fn table() -> Vec<Row> {
    use Needs::{A, Nothing};
    use Right::{Administer, Operate, Read};
    vec![
        (Nothing, routes!(signing_in::entrance)),
        (Nothing, routes!(signing_in::sign_in)),
        (Nothing, routes!(signing_in::look_at_link)),
        (Nothing, routes!(signing_in::sign_in_by_link)),
        (Nothing, routes!(signing_in::set_password)),
        (A(Read), routes!(session::session)),
        (A(Read), routes!(session::sign_out)),
        (A(Read), routes!(gateway::gateway)),
        (A(Read), routes!(visits::visits)),
        (A(Read), routes!(loan_totals::loan_totals)),
        (A(Read), routes!(stops::stops)),
        (A(Operate), routes!(stops::take_past_stops)),
        (A(Read), routes!(sites::sites)),
        (A(Read), routes!(devices::devices)),
        (A(Read), routes!(devices::device)),
        (A(Read), routes!(quarantine::quarantine)),
        (A(Read), routes!(rebuild::views)),
        (A(Read), routes!(stream::live)),
        (A(Operate), routes!(rebuild::rebuild)),
        // An element may name a reader, and what is let in counts for ever.
        (A(Administer), routes!(rulings::open)),
        (A(Administer), routes!(rulings::accept)),
        (A(Administer), routes!(rulings::correct)),
        (A(Administer), routes!(rulings::dismiss)),
        (A(Administer), routes!(persons::erase)),
        (A(Operate), routes!(enrolment::make_token)),
        (A(Operate), routes!(enrolment::revoke)),
        (Nothing, routes!(enrolment::enrol)),
        (Nothing, routes!(enrolment::renew)),
        (Nothing, routes!(device_papers::loan_papers)),
        (Nothing, routes!(carried::carried_receipts)),
        (Nothing, routes!(carried::carried_wish)),
        (A(Read), routes!(lending::block_list)),
        // It names readers, and whoever is not in it is lent to.
        (A(Administer), routes!(lending::import_blocks)),
        (A(Administer), routes!(lending::rotate_key)),
        (A(Read), routes!(loan_list::loans)),
        (A(Read), routes!(loan_sync::sync)),
        (A(Read), routes!(payments::payments)),
        (A(Read), routes!(desk::desk)),
        (A(Operate), routes!(desk::pause)),
        (A(Operate), routes!(desk::probe)),
        (A(Operate), routes!(desk::resume)),
        (A(Read), routes!(loan_conflicts::conflicts)),
        // The library system hears of it, and what it was told is not taken back.
        (A(Administer), routes!(loan_conflicts::rule)),
        (A(Administer), routes!(loan_conflicts::take_back)),
        // The file names readers.
        (A(Administer), routes!(desk::export)),
        (A(Administer), routes!(desk::forget)),
        (A(Read), routes!(lending::planned_stops)),
        (A(Operate), routes!(lending::plan_stop)),
        (A(Operate), routes!(lending::remove_stop)),
        (A(Administer), routes!(registry::add_device)),
        (A(Administer), routes!(registry::change_device)),
        (A(Administer), routes!(registry::set_limits)),
        (A(Administer), routes!(registry::renew_password)),
        (A(Administer), routes!(registry::add_reader)),
        (A(Administer), routes!(registry::remove_reader)),
        (A(Administer), routes!(sites::set_site)),
        (A(Administer), routes!(signing_in::make_link)),
        (A(Administer), routes!(tokens::tokens)),
        (A(Administer), routes!(tokens::add_token)),
        (A(Administer), routes!(tokens::remove_token)),
        (A(Administer), routes!(audit::audit)),
    ]
}

/// The rows of the releases.
fn releases() -> Vec<Row> {
    use Needs::A;
    use Right::{Administer, Operate, Read};
    vec![
        (A(Read), routes!(content::repository)),
        (A(Read), routes!(content::releases)),
        (A(Read), routes!(content::release)),
        (A(Read), routes!(releases::titles)),
        (A(Read), routes!(releases::allotment)),
        (A(Read), routes!(content::notices)),
        (A(Read), routes!(content::picture)),
        (A(Read), routes!(hidden_titles::hidden)),
        // What is offered is believed by its signatures; who may offer is asked all the same.
        (A(Administer), routes!(content::publish)),
        (
            A(Administer),
            routes!(content::look_at_blob, content::take_blob),
        ),
        (A(Read), routes!(drafts::drafts)),
        (A(Read), routes!(drafts::draft)),
        (A(Read), routes!(drafts::understanding)),
        // As blobs: what is brought takes room on the disk.
        (A(Administer), routes!(drafts::begin_draft)),
        (A(Administer), routes!(drafts::discard_draft)),
        (
            A(Administer),
            routes!(drafts::take_draft_file, drafts::remove_draft_file),
        ),
        (A(Operate), routes!(content::add_notice)),
        (A(Operate), routes!(content::remove_notice)),
        (A(Operate), routes!(content::hide)),
        (A(Operate), routes!(content::show)),
        (A(Read), routes!(rollouts::rollouts)),
        (A(Read), routes!(rollouts::rollout)),
        (A(Operate), routes!(rollouts::create)),
        (A(Operate), routes!(rollouts::approve)),
        (A(Operate), routes!(rollouts::start)),
        (A(Operate), routes!(rollouts::pause)),
        (A(Operate), routes!(rollouts::resume)),
        (A(Operate), routes!(rollouts::abort)),
        (A(Operate), routes!(rollouts::retry)),
        (A(Operate), routes!(rollouts::excuse)),
    ]
}

/// Everything below `/api/v1`, each route behind its right.
pub(super) fn api(people: &People, cookie: &SessionCookie) -> OpenApiRouter<ApiState> {
    let guarded = |(needs, route): Row| {
        let (schemas, paths, methods) = told((needs, route));
        let methods = match needs {
            Needs::Nothing => methods,
            Needs::A(right) => {
                let guard = Guard {
                    people: people.clone(),
                    cookie: cookie.clone(),
                    right,
                };
                methods.route_layer(middleware::from_fn_with_state(guard, require))
            }
        };
        (schemas, paths, methods)
    };
    table()
        .into_iter()
        .chain(releases())
        .map(guarded)
        .fold(OpenApiRouter::new(), OpenApiRouter::routes)
}

/// Writes into the document what the route needs.
fn told((needs, route): Row) -> UtoipaMethodRouter<ApiState> {
    let (schemas, mut paths, methods) = route;
    let needed = match needs {
        Needs::Nothing => "none",
        Needs::A(right) => right.as_str(),
    };
    for operation in operations(&mut paths) {
        let told = ExtensionsBuilder::new().add(RIGHT, needed).build();
        operation.extensions = Some(told);
    }
    (schemas, paths, methods)
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| {
        let PathItem {
            get,
            put,
            post,
            delete,
            patch,
            ..
        } = item;
        [get, put, post, delete, patch].into_iter().flatten()
    })
}

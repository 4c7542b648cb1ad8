//! Licences as an OPDS 2.0 feed [drafts.opds.io/opds-2.0], as others write it: what is ours to
//! know is read strictly, what else stands there is passed over, and where a text may as well be
//! an object or a list, all of them are read.

use jiff::tz::TimeZone;
use lujiang_wire::Label;
use serde_json::Value;

use super::cell::{self, CellFault};
use super::{
    Licence, LicenceList, LicenceProblem, Phone, Place, Subject, TITLES_MAX, Told, Window,
};
use crate::book::line;

const ACQUISITION: &str = "http://opds-spec.org/acquisition";

/// In place of what is no site: refused as one, since to pass over it would license too much.
const NO_SITE: &str = "=";

/// Reads a feed.
pub(super) fn read(bytes: &[u8], zone: &TimeZone) -> LicenceList {
    let mut list = LicenceList::default();
    let feed: Value = match serde_json::from_slice(bytes) {
        Ok(feed) => feed,
        Err(error) => {
            let fault = CellFault::Feed(error.to_string());
            let line = Place::Line(u64::try_from(error.line()).unwrap_or(0));
            list.problems.push(problem(line, "the feed", fault));
            return list;
        }
    };
    let Some(publications) = feed["publications"].as_array() else {
        let fault = CellFault::Feed("it has no list `publications`".into());
        let place = Place::Line(1);
        list.problems.push(problem(place, "the feed", fault));
        return list;
    };
    for (number, publication) in (1..).zip(publications) {
        let place = Place::Publication(number);
        if number > TITLES_MAX as u64 {
            let fault = CellFault::Long(TITLES_MAX);
            list.problems.push(problem(place, "the feed", fault));
            break;
        }
        match licence(publication, place, zone) {
            Ok(licence) => list.licences.push(licence),
            Err((member, fault)) => list.problems.push(problem(place, member, fault)),
        }
    }
    list
}

fn problem(place: Place, member: &str, fault: CellFault) -> LicenceProblem {
    LicenceProblem {
        place,
        column: member.to_owned(),
        fault,
    }
}

fn licence(
    publication: &Value,
    place: Place,
    zone: &TimeZone,
) -> Result<Licence, (&'static str, CellFault)> {
    let metadata = &publication["metadata"];
    let links = publication["links"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let file = links.iter().find(|link| is_acquisition(link));
    let none = Value::Null;
    let properties = file.map_or(&none, |link| &link["properties"]);
    let availability = &properties["availability"];

    let window = window(availability, zone)?;
    let copies = match &properties["copies"]["total"] {
        Value::Null => None,
        total => {
            let text = total
                .as_str()
                .map_or_else(|| total.to_string(), str::to_owned);
            cell::copies(&text).map_err(|fault| ("properties.copies.total", fault))?
        }
    };
    let grant = cell::grant(&sites(&properties["sites"]), copies);
    let grant = grant.map_err(|fault| ("properties.sites", fault))?;
    let borrows = |link: &&Value| rels(link).any(|rel| rel == lujiang_wire::BORROW);
    Ok(Licence {
        subject: subject(metadata, file)?,
        window,
        grant,
        phone: match links.iter().find(borrows) {
            None => Phone::NotAllowed,
            Some(link) => match link["href"].as_str().and_then(cell::address) {
                Some(address) => Phone::At(address),
                None => Phone::Allowed,
            },
        },
        told: Told {
            title: names(&metadata["title"]).into_iter().next(),
            authors: names(&metadata["author"]),
            languages: names(&metadata["language"]),
            publisher: names(&metadata["publisher"]).into_iter().next(),
        },
        place,
    })
}

/// Where a licence is good, as a cell of a table says it. OPDS has no word for that, so ours is
/// `properties.sites`: such a text, a list of them, or an object of sites and their copies.
fn sites(said: &Value) -> String {
    match said {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(sites) => {
            let parts = sites.iter().map(|site| site.as_str().unwrap_or(NO_SITE));
            parts.collect::<Vec<_>>().join(";")
        }
        Value::Object(copies) => {
            let parts = copies
                .iter()
                .map(|(site, copies)| format!("{site}={copies}"));
            parts.collect::<Vec<_>>().join(";")
        }
        Value::Bool(_) | Value::Number(_) => NO_SITE.to_owned(),
    }
}

/// By its number, its hash, or the last part of the link to its file.
fn subject(metadata: &Value, file: Option<&Value>) -> Result<Subject, (&'static str, CellFault)> {
    let identifier = metadata["identifier"].as_str().unwrap_or_default().trim();
    if let Ok(isbn) = identifier.parse() {
        return Ok(Subject::Isbn(isbn));
    }
    if let Some(hash) = identifier.strip_prefix("urn:sha256:") {
        return cell::blob(hash).map_err(|fault| ("metadata.identifier", fault));
    }
    let href = file
        .and_then(|link| link["href"].as_str())
        .unwrap_or_default();
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    if name.is_empty() {
        return Err(("metadata.identifier", CellFault::NoSubject));
    }
    cell::file(&name).map_err(|fault| ("links.href", fault))
}

fn window(availability: &Value, zone: &TimeZone) -> Result<Window, (&'static str, CellFault)> {
    let text = |name: &str| match &availability[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let window = cell::since(&text("since"), zone);
    let window = window.map_err(|fault| ("properties.availability.since", fault))?;
    let window = cell::until(window, &text("until"), zone);
    window.map_err(|fault| ("properties.availability.until", fault))
}

/// Whether a link leads to the file: an acquisition of any kind but borrowing on a phone, buying
/// and samples.
fn is_acquisition(link: &Value) -> bool {
    let leads = |rel: &str| {
        let kind = rel.strip_prefix(ACQUISITION);
        kind.is_some_and(|kind| matches!(kind, "" | "/open-access"))
    };
    rels(link).any(leads)
}

/// `rel` is a text or a list of them.
fn rels(link: &Value) -> impl Iterator<Item = &str> {
    let rel = &link["rel"];
    let list = rel.as_array().map_or(&[][..], Vec::as_slice);
    rel.as_str()
        .into_iter()
        .chain(list.iter().filter_map(Value::as_str))
}

/// A text, an object with a `name`, a text by language, or a list of any of them.
fn names(value: &Value) -> Vec<Label> {
    let name = |value: &Value| match value {
        Value::String(text) => line(text),
        Value::Object(members) => {
            let name = members.get("name").unwrap_or(value);
            let text = match name {
                Value::String(text) => Some(text.as_str()),
                Value::Object(by_language) => by_language.values().find_map(Value::as_str),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
            };
            text.and_then(line)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    };
    match value {
        Value::Array(list) => list.iter().filter_map(name).take(20).collect(),
        one => name(one).into_iter().collect(),
    }
}

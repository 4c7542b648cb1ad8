//! A library system that calls readers by name and number in what it says for people (`AF`), as
//! real ones do.

use lujiang_sip2::{Private, Response};

use super::Ils;

impl Ils {
    /// Puts into an answer's words whom it is about, and who waits for the item.
    pub(super) fn name_readers(&self, response: &mut Response) {
        let (about, said) = match response {
            Response::Checkout(it) => (vec![&it.patron_identifier], &mut it.screen_message),
            Response::Renew(it) => (vec![&it.patron_identifier], &mut it.screen_message),
            Response::PatronInformation(it) => {
                (vec![&it.patron_identifier], &mut it.screen_message)
            }
            Response::Checkin(it) => {
                let known = [&it.patron_identifier, &it.hold_patron_id];
                (
                    known.into_iter().flatten().collect(),
                    &mut it.screen_message,
                )
            }
            _ => return,
        };
        let named = about.into_iter().map(|reader: &Private| {
            let number = reader.reveal();
            let patron = self.patrons.get(number);
            let name = patron.map_or("", |patron| &patron.name);
            format!("{name} ({number})")
        });
        let named: Vec<_> = named.collect();
        said.insert(0, format!("{}:", named.join(", ")));
    }
}

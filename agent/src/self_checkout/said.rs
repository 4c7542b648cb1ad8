//! A line of a machine, read: what is known of it before it is anybody's turn.

use lujiang_sip2::{DecodeError, Message, Profile, Request, VendorMessage};

use super::asked::Asked;
use super::vendor_pair::VendorPair;

/// A line of the machine, read.
pub(super) struct Said {
    pub(super) line: Vec<u8>,
    pub(super) message: Result<Message<Request>, DecodeError>,
    /// Whether its item was lent here and is not back, as far as is known here.
    pub(super) is_lent_here: bool,
}

impl Said {
    /// Reads a line of a machine that writes so; these of its vendor's own messages are known.
    pub(super) fn read(line: Vec<u8>, profile: &Profile, vendor: &[VendorPair]) -> Self {
        let message = match profile.decode(&line) {
            Err(DecodeError::UnknownCommand { command })
                if vendor.iter().any(|own| own.is_asked_by(command)) =>
            {
                let message = profile.decode::<VendorMessage>(&line);
                message.map(|message| Message {
                    body: message.body.into(),
                    sequence: message.sequence,
                    checksum: message.checksum,
                })
            }
            read => read,
        };
        Self {
            line,
            message,
            is_lent_here: false,
        }
    }

    /// The item that would be lent or taken back by it.
    pub(super) fn item(&self) -> Option<String> {
        let message = self.message.as_ref().ok()?;
        let asked = Asked::new(Vec::new(), message.clone());
        asked.item().map(ToOwned::to_owned)
    }
}

//! How one machine or one library system writes its messages, and the way from bytes to values and
//! back. Reading follows the profile's leniency; writing follows the standard.

use crate::charset::Charset;
use crate::checksum::{Checksum, ErrorDetection, Sequence, Trailer};
use crate::error::{Command, DecodeError, EncodeError};
use crate::fixed::FixedPart;
use crate::message::{Body, Message};
use crate::writer::Writer;

/// The ways of one peer. Both ends of a connection have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Profile {
    /// Its characters.
    pub charset: Charset,
    /// What ends its messages when we write them; when reading, each of them does.
    pub terminator: Terminator,
    /// Its checksums.
    pub error_detection: ErrorDetection,
    /// What is made of fixed-width fields that are not filled in as they should be.
    pub fixed_fields: FixedFields,
}

/// What ends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Terminator {
    /// As the standard has it.
    #[default]
    Cr,
    /// CR and LF.
    CrLf,
    /// LF.
    Lf,
}

/// How well a message has to be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FixedFields {
    /// What is blank, missing or odd is read as its default, as a date where it is one, or passed
    /// over.
    #[default]
    Lenient,
    /// What is not as the standard has it is an error.
    Strict,
}

impl Profile {
    /// Reads one message, without its terminator, as the framer cuts it.
    ///
    /// # Errors
    /// Where it is no message of this direction, or not as the profile demands.
    pub fn decode<B: Body>(&self, bytes: &[u8]) -> Result<Message<B>, DecodeError> {
        let bytes = tidy(bytes);
        let command = Command::of(bytes).ok_or(DecodeError::NoCommand { bytes: bytes.len() })?;
        let text = self.charset.decode(bytes);
        let trailer = Trailer::split(&text);
        self.verify(&trailer, bytes)?;
        let strict = self.fixed_fields == FixedFields::Strict;
        // The command is two ASCII digits, in every charset.
        let body = B::read(
            command,
            FixedPart::new(&trailer.content[2..], strict),
            strict,
        )?;
        Ok(Message {
            body,
            sequence: trailer.sequence,
            checksum: trailer.checksum,
        })
    }

    /// Writes one message with its terminator. Where the profile sends AY, `sequence` is it: for a
    /// request the next digit, for an answer the request's, none where the request had none. A
    /// demand to send again (96, 97) never has one.
    ///
    /// # Errors
    /// Where an identifier cannot be written as it is.
    pub fn encode<B: Body>(
        &self,
        body: &B,
        sequence: Option<Sequence>,
    ) -> Result<Vec<u8>, EncodeError> {
        let command = body.command();
        let mut writer = Writer::for_wire(command, self.charset);
        body.write(&mut writer);
        let text = writer.finish()?;
        let mut bytes = match self.error_detection {
            ErrorDetection::Off => self.charset.encode(&text),
            ErrorDetection::Standard | ErrorDetection::Ignore => {
                self.summed_bytes(text, sequence.filter(|_| !command.demands_resend()))
            }
            ErrorDetection::Dp2 => self.summed_units(&text),
        };
        bytes.extend_from_slice(match self.terminator {
            Terminator::Cr => b"\r",
            Terminator::CrLf => b"\r\n",
            Terminator::Lf => b"\n",
        });
        Ok(bytes)
    }

    /// Whether an answer with this AY can be the answer to a request that was sent with that one.
    /// Only the standard's error detection tells: dp2 says 4 to everybody.
    #[must_use]
    pub fn is_answer(&self, sent: Option<Sequence>, received: Option<Sequence>) -> bool {
        match self.error_detection {
            ErrorDetection::Standard => received.is_none() || sent == received,
            ErrorDetection::Off | ErrorDetection::Dp2 | ErrorDetection::Ignore => true,
        }
    }

    /// Whether the sum is right, where it is believed.
    fn verify(&self, trailer: &Trailer<'_>, bytes: &[u8]) -> Result<(), DecodeError> {
        let expected = match self.error_detection {
            ErrorDetection::Off | ErrorDetection::Ignore => return Ok(()),
            ErrorDetection::Standard => trailer.standard_sum(bytes),
            ErrorDetection::Dp2 => Checksum::of_units(trailer.content),
        };
        let found = trailer.checksum.ok_or(DecodeError::ChecksumMissing)?;
        if found == expected {
            Ok(())
        } else {
            Err(DecodeError::Checksum { found, expected })
        }
    }

    fn summed_bytes(&self, mut text: String, sequence: Option<Sequence>) -> Vec<u8> {
        if let Some(sequence) = sequence {
            text.push_str(&format!("AY{sequence}"));
        }
        text.push_str("AZ");
        let mut bytes = self.charset.encode(&text);
        let sum = Checksum::of_bytes(&bytes);
        bytes.extend_from_slice(sum.to_string().as_bytes());
        bytes
    }

    fn summed_units(&self, text: &str) -> Vec<u8> {
        let sum = Checksum::of_units(text);
        let text = text.strip_suffix('|').unwrap_or(text);
        self.charset
            .encode(&format!("{text}|AY{}AZ{sum}", Sequence::DP2))
    }
}

/// Without what stands around a message where a line was idle or ended oddly.
fn tidy(bytes: &[u8]) -> &[u8] {
    let is_noise = |byte: &u8| matches!(byte, b'\0' | b'\r' | b'\n');
    let start = bytes
        .iter()
        .position(|byte| !is_noise(byte) && *byte != b' ');
    let end = bytes.iter().rposition(|byte| !is_noise(byte));
    match (start, end) {
        (Some(start), Some(end)) => &bytes[start..=end],
        _ => &[],
    }
}

#[cfg(test)]
mod tests;

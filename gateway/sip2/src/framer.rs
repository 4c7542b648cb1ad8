//! Cuts a stream of bytes into messages at CR, LF or both. It holds one message at most, and of a
//! longer one only how long it is.

/// How long a message may be where nobody says otherwise: the longest honest one lists the items
/// of a patron, and 64 KiB are 3,000 of them.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Collects bytes until a message is whole.
#[derive(Debug)]
pub struct Framer {
    message: Vec<u8>,
    message_bytes_max: usize,
    /// Whether the rest of a message that was too long is being passed over.
    passing: bool,
}

/// What a stream of bytes holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One message without its terminator.
    Message(Vec<u8>),
    /// A message that is longer than may be; said once, as soon as that is known. Its bytes are
    /// passed over.
    TooLong {
        /// How long a message may be.
        message_bytes_max: usize,
    },
}

impl Framer {
    /// An empty one that takes messages of so many bytes at most, terminators apart.
    #[must_use]
    pub fn new(message_bytes_max: usize) -> Self {
        Self {
            message: Vec::new(),
            message_bytes_max,
            passing: false,
        }
    }

    /// Takes from `input` as much as makes one frame, and leaves the rest there; none where the
    /// input does not end one. Empty lines, also those between CR and LF, are no messages.
    pub fn next_frame(&mut self, input: &mut &[u8]) -> Option<Frame> {
        while !input.is_empty() {
            let end = input.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let piece = &input[..end.unwrap_or(input.len())];
            let long = self.message.len() + piece.len() > self.message_bytes_max;
            *input = &input[end.map_or(input.len(), |end| end + 1)..];
            if !self.passing && long {
                self.message = Vec::new();
                self.passing = end.is_none();
                return Some(Frame::TooLong {
                    message_bytes_max: self.message_bytes_max,
                });
            }
            if self.passing {
                self.passing = end.is_none();
                continue;
            }
            self.message.extend_from_slice(piece);
            if end.is_some() && !self.message.is_empty() {
                return Some(Frame::Message(std::mem::take(&mut self.message)));
            }
        }
        None
    }

    /// How many bytes of an unfinished message are held.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.message.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminator_ends_a_message_and_empty_lines_are_none() {
        for terminator in ["\r", "\n", "\r\n", "\r\n\r\n"] {
            let bytes = format!("9900802.00{terminator}97AZFEF5{terminator}17");
            let (frames, framer) = cut(16, &[bytes.as_bytes()]);
            assert_eq!(
                frames,
                [message("9900802.00"), message("97AZFEF5")],
                "{terminator:?}"
            );
            assert_eq!(framer.held_bytes(), 2);
        }
    }

    #[test]
    fn a_message_may_come_in_any_pieces() {
        let (frames, _) = cut(16, &[b"99", b"008", b"", b"02.00\r", b"\n"]);
        assert_eq!(frames, [message("9900802.00")]);
    }

    #[test]
    fn what_is_too_long_is_said_once_and_passed_over() {
        let (frames, framer) = cut(4, &[b"12345", b"6789", b"abc\r99\r", b"12345\r", b"1234\r"]);
        let long = Frame::TooLong {
            message_bytes_max: 4,
        };
        assert_eq!(frames, [long.clone(), message("99"), long, message("1234")]);
        assert_eq!(framer.held_bytes(), 0);
    }

    fn cut(max: usize, pieces: &[&[u8]]) -> (Vec<Frame>, Framer) {
        let mut framer = Framer::new(max);
        let mut frames = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(frame) = framer.next_frame(&mut input) {
                frames.push(frame);
            }
            assert!(framer.held_bytes() <= max);
        }
        (frames, framer)
    }

    fn message(text: &str) -> Frame {
        Frame::Message(text.as_bytes().to_vec())
    }
}

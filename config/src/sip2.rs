//! How one party of a SIP2 line writes: charset, line end, checksum, and how strictly it is read.

use crate::section::Section;

/// The profile of a SIP2 party. There is no common one: it comes from its manual, or from a look
/// at the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sip2Profile {
    /// How its text is encoded.
    pub charset: Sip2Charset,
    /// What ends a message that is sent to it; any is understood.
    pub terminator: Sip2Terminator,
    /// How a message proves itself.
    pub checksum: Sip2Checksum,
    /// How its fixed fields are read.
    pub fields: Sip2Fields,
}

/// A charset of SIP2 lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sip2Charset {
    /// UTF-8.
    Utf8,
    /// GB18030, which holds GBK and GB2312.
    Gb18030,
    /// GBK: at most two bytes a character, for machines that do not know GB18030.
    Gbk,
    /// Code page 850, as the standard has it.
    Cp850,
}

/// What ends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sip2Terminator {
    /// CR, as the standard has it.
    Cr,
    /// CR and LF.
    CrLf,
    /// LF.
    Lf,
}

/// How a message proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sip2Checksum {
    /// No AY and AZ.
    Off,
    /// AY and AZ by the standard.
    Standard,
    /// As Chinese dp2 systems: AZ over UTF-16 units of the text before AY, which is always 4.
    Dp2,
    /// AY and AZ are sent by the standard, and not checked.
    Ignore,
}

/// How fixed fields are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sip2Fields {
    /// Blank and missing ones are understood.
    Lenient,
    /// Each has to be what the standard says.
    Strict,
}

impl Default for Sip2Profile {
    fn default() -> Self {
        Self {
            charset: Sip2Charset::Utf8,
            terminator: Sip2Terminator::Cr,
            checksum: Sip2Checksum::Standard,
            fields: Sip2Fields::Lenient,
        }
    }
}

impl Sip2Profile {
    /// Reads its keys, which stand among others of a section.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            charset: section.choice(
                "charset",
                default.charset,
                &[
                    ("utf-8", Sip2Charset::Utf8),
                    ("gb18030", Sip2Charset::Gb18030),
                    ("gbk", Sip2Charset::Gbk),
                    ("cp850", Sip2Charset::Cp850),
                ],
            ),
            terminator: section.choice(
                "terminator",
                default.terminator,
                &[
                    ("cr", Sip2Terminator::Cr),
                    ("crlf", Sip2Terminator::CrLf),
                    ("lf", Sip2Terminator::Lf),
                ],
            ),
            checksum: section.choice(
                "checksum",
                default.checksum,
                &[
                    ("off", Sip2Checksum::Off),
                    ("standard", Sip2Checksum::Standard),
                    ("dp2", Sip2Checksum::Dp2),
                    ("ignore", Sip2Checksum::Ignore),
                ],
            ),
            fields: section.choice(
                "fields",
                default.fields,
                &[
                    ("lenient", Sip2Fields::Lenient),
                    ("strict", Sip2Fields::Strict),
                ],
            ),
        }
    }
}

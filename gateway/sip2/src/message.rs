//! One message, and the macro that turns a table of the standard into structs that are read and
//! written.

use crate::checksum::{Checksum, Sequence};
use crate::error::{Command, DecodeError};
use crate::fixed::FixedPart;
use crate::writer::Writer;

/// A request or a response, with what its line said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<B> {
    /// What it says.
    pub body: B,
    /// AY, which an answer echoes.
    pub sequence: Option<Sequence>,
    /// AZ as it came. A request with the AY and AZ of the one before is that one again.
    pub checksum: Option<Checksum>,
}

/// [`Request`](crate::Request) or [`Response`](crate::Response): all that is said in one
/// direction.
pub trait Body: Sized + sealed::Body {
    /// The two digits it begins with.
    fn command(&self) -> Command;
}

pub(crate) mod sealed {
    use super::{Command, DecodeError, FixedPart, Writer};

    /// How the direction's messages are read and written.
    pub trait Body: Sized {
        /// Reads what follows the command.
        #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
        fn read(command: Command, text: FixedPart<'_>, strict: bool) -> Result<Self, DecodeError>;

        /// Writes what follows the command.
        #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
        fn write(&self, out: &mut Writer);
    }
}

/// A struct for a message: its fixed-width fields in the standard's order, each with its type and
/// how that is written, then its variable fields, each with its name on the wire. `String` stands
/// for a field that is always there, `Option` for one that may be, `Vec` for one that repeats.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident {
            fixed { $($fixed:ident: $fixed_type:ty as $codec:ty,)* }
            fields { $($id:ident $field:ident: $type:ty,)* }
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        #[allow(clippy::struct_excessive_bools, reason = "flags, as the standard has them")]
        pub struct $name {
            $(
                /// Fixed-width.
                pub $fixed: $fixed_type,
            )*
            $(
                #[doc = concat!("Field ", stringify!($id), ".")]
                pub $field: $type,
            )*
            /// What else it holds, in the order it came.
            pub other: Vec<$crate::field::Field>,
        }

        impl $name {
            #[allow(unused_mut, reason = "some messages have no fields")]
            fn read(
                mut fixed: $crate::fixed::FixedPart<'_>,
                strict: bool,
            ) -> Result<Self, $crate::error::DecodeError> {
                $(let $fixed = fixed.take::<$codec>(stringify!($fixed))?;)*
                let mut fields = $crate::field::Fields::split(fixed.rest(), strict)?;
                $(
                    let $field = $crate::field::Slot::take(
                        &mut fields,
                        const { $crate::field::FieldId::known(stringify!($id)) },
                    );
                )*
                Ok(Self { $($fixed,)* $($field,)* other: fields.rest() })
            }

            fn write(&self, out: &mut $crate::writer::Writer) {
                $(out.fixed::<$codec>(&self.$fixed);)*
                $(
                    $crate::field::Slot::put(
                        &self.$field,
                        const { $crate::field::FieldId::known(stringify!($id)) },
                        out,
                    );
                )*
                out.other(&self.other);
            }

            #[cfg(test)]
            fn sample(source: &mut $crate::sample::Source) -> Self {
                Self {
                    $($fixed: $crate::sample::Sample::sample(source),)*
                    $($field: $crate::sample::Sample::sample(source),)*
                    other: source.other_fields(&[$(stringify!($id)),*]),
                }
            }
        }
    };
}

/// The enum of all messages in one direction.
macro_rules! direction {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$variant_doc:meta])* $code:literal $variant:ident($body:ident),)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "one message at a time")]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                $variant($body),
            )*
            /// A vendor's own, of a code the standard does not have; read by whoever expects it.
            Vendor($crate::vendor::VendorMessage),
        }

        impl $crate::message::Body for $name {
            fn command(&self) -> $crate::error::Command {
                match self {
                    $(Self::$variant(_) => $crate::error::Command(*$code),)*
                    Self::Vendor(message) => message.command(),
                }
            }
        }

        impl $crate::message::sealed::Body for $name {
            #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
            fn read(
                command: $crate::error::Command,
                text: $crate::fixed::FixedPart<'_>,
                strict: bool,
            ) -> Result<Self, $crate::error::DecodeError> {
                match &command.0 {
                    $($code => $body::read(text, strict).map(Self::$variant),)*
                    _ => Err($crate::error::DecodeError::UnknownCommand { command }),
                }
            }

            #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
            fn write(&self, out: &mut $crate::writer::Writer) {
                match self {
                    $(Self::$variant(body) => body.write(out),)*
                    Self::Vendor(message) => message.write(out),
                }
            }
        }

        $(
            impl From<$body> for $name {
                fn from(body: $body) -> Self {
                    Self::$variant(body)
                }
            }
        )*

        impl From<$crate::vendor::VendorMessage> for $name {
            fn from(message: $crate::vendor::VendorMessage) -> Self {
                Self::Vendor(message)
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                const MAKERS: &[fn(&mut $crate::sample::Source) -> $name] =
                    &[$(|source| $name::$variant($body::sample(source))),*];
                source.one_of(MAKERS)(source)
            }
        }
    };
}

pub(crate) use {direction, message};

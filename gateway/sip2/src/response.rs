//! What the library system answers. The tables are the standard's.

use crate::date::{SipDate, VariableDate};
use crate::field::Private;
use crate::fixed::{Count, OneZero, YesNo, YesNoUnknown};
use crate::item::{AlertType, CirculationStatus, Currency, FeeType, MediaType, SecurityMarker};
use crate::language::Language;
use crate::message::{direction, message};
use crate::patron::PatronStatus;
use crate::supported::SupportedMessages;
use crate::terminal::{Retries, Timeout, Version};

direction! {
    /// What the library system (ACS) says.
    Response {
        /// 24.
        b"24" PatronStatus(PatronStatusResponse),
        /// 12.
        b"12" Checkout(CheckoutResponse),
        /// 10.
        b"10" Checkin(CheckinResponse),
        /// 98.
        b"98" AcsStatus(AcsStatus),
        /// 96.
        b"96" RequestScResend(RequestScResend),
        /// 94.
        b"94" Login(LoginResponse),
        /// 64.
        b"64" PatronInformation(PatronInformationResponse),
        /// 36.
        b"36" EndSession(EndSessionResponse),
        /// 38.
        b"38" FeePaid(FeePaidResponse),
        /// 18.
        b"18" ItemInformation(ItemInformationResponse),
        /// 20.
        b"20" ItemStatusUpdate(ItemStatusUpdateResponse),
        /// 26.
        b"26" PatronEnable(PatronEnableResponse),
        /// 16.
        b"16" Hold(HoldResponse),
        /// 30.
        b"30" Renew(RenewResponse),
        /// 66.
        b"66" RenewAll(RenewAllResponse),
    }
}

/// 24 and 26 hold the same.
macro_rules! patron_status_response {
    ($(#[$doc:meta])* $name:ident) => {
        message! {
            $(#[$doc])*
            $name {
                fixed {
                    patron_status: PatronStatus as PatronStatus,
                    language: Language as Language,
                    transaction_date: Option<SipDate> as SipDate,
                }
                fields {
                    AO institution_id: String,
                    AA patron_identifier: Private,
                    AE personal_name: Private,
                    BL valid_patron: Option<bool>,
                    CQ valid_patron_password: Option<bool>,
                    BH currency_type: Option<Currency>,
                    BV fee_amount: Option<String>,
                    AF screen_message: Vec<String>,
                    AG print_line: Vec<String>,
                }
            }
        }
    };
}

patron_status_response! {
    /// 24: how the patron stands; answers 23 and 01.
    PatronStatusResponse
}

patron_status_response! {
    /// 26: how the patron stands; answers 25.
    PatronEnableResponse
}

/// 12 and 30 hold the same.
macro_rules! checkout_response {
    ($(#[$doc:meta])* $name:ident) => {
        message! {
            $(#[$doc])*
            $name {
                fixed {
                    ok: bool as OneZero,
                    renewal_ok: bool as YesNo,
                    magnetic_media: Option<bool> as YesNoUnknown,
                    desensitize: Option<bool> as YesNoUnknown,
                    transaction_date: Option<SipDate> as SipDate,
                }
                fields {
                    AO institution_id: String,
                    AA patron_identifier: Private,
                    AB item_identifier: String,
                    AJ title_identifier: String,
                    AH due_date: VariableDate,
                    BT fee_type: Option<FeeType>,
                    CI security_inhibit: Option<bool>,
                    BH currency_type: Option<Currency>,
                    BV fee_amount: Option<String>,
                    CK media_type: Option<MediaType>,
                    CH item_properties: Option<String>,
                    BK transaction_id: Option<String>,
                    AF screen_message: Vec<String>,
                    AG print_line: Vec<String>,
                }
            }
        }
    };
}

checkout_response! {
    /// 12: whether the item is lent, and until when; answers 11.
    CheckoutResponse
}

checkout_response! {
    /// 30: whether the item may stay, and until when; answers 29.
    RenewResponse
}

message! {
    /// 10: whether the item is back, and where it goes; answers 09.
    CheckinResponse {
        fixed {
            ok: bool as OneZero,
            resensitize: bool as YesNo,
            magnetic_media: Option<bool> as YesNoUnknown,
            alert: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AB item_identifier: String,
            AQ permanent_location: String,
            AJ title_identifier: Option<String>,
            CL sort_bin: Option<String>,
            AA patron_identifier: Option<Private>,
            CK media_type: Option<MediaType>,
            CH item_properties: Option<String>,
            CR collection_code: Option<String>,
            CS call_number: Option<String>,
            CT destination_location: Option<String>,
            CV alert_type: Option<AlertType>,
            CY hold_patron_id: Option<Private>,
            DA hold_patron_name: Option<Private>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 98: what the library system does at present; answers 99.
    AcsStatus {
        fixed {
            online_status: bool as YesNo,
            checkin_ok: bool as YesNo,
            checkout_ok: bool as YesNo,
            acs_renewal_policy: bool as YesNo,
            status_update_ok: bool as YesNo,
            offline_ok: bool as YesNo,
            timeout_period: Timeout as Timeout,
            retries_allowed: Retries as Retries,
            date_time_sync: Option<SipDate> as SipDate,
            protocol_version: Version as Version,
        }
        fields {
            AO institution_id: String,
            AM library_name: Option<String>,
            BX supported_messages: Option<SupportedMessages>,
            AN terminal_location: Option<String>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 96: the request was not understood; it is sent again, without a new AY.
    RequestScResend {
        fixed {}
        fields {}
    }
}

message! {
    /// 94: whether the machine may speak; answers 93.
    LoginResponse {
        fixed {
            ok: bool as OneZero,
        }
        fields {}
    }
}

message! {
    /// 64: what the patron has, and how it stands; answers 63.
    PatronInformationResponse {
        fixed {
            patron_status: PatronStatus as PatronStatus,
            language: Language as Language,
            transaction_date: Option<SipDate> as SipDate,
            hold_items_count: Option<u16> as Count,
            overdue_items_count: Option<u16> as Count,
            charged_items_count: Option<u16> as Count,
            fine_items_count: Option<u16> as Count,
            recall_items_count: Option<u16> as Count,
            unavailable_holds_count: Option<u16> as Count,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AE personal_name: Private,
            BZ hold_items_limit: Option<u16>,
            CA overdue_items_limit: Option<u16>,
            CB charged_items_limit: Option<u16>,
            BL valid_patron: Option<bool>,
            CQ valid_patron_password: Option<bool>,
            BH currency_type: Option<Currency>,
            BV fee_amount: Option<String>,
            CC fee_limit: Option<String>,
            AS hold_items: Vec<String>,
            AT overdue_items: Vec<String>,
            AU charged_items: Vec<String>,
            AV fine_items: Vec<String>,
            BU recall_items: Vec<String>,
            CD unavailable_hold_items: Vec<String>,
            BD home_address: Option<Private>,
            BE email_address: Option<Private>,
            BF home_phone_number: Option<Private>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 36: whether the session is over; answers 35.
    EndSessionResponse {
        fixed {
            end_session: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 38: whether the payment is taken; answers 37.
    FeePaidResponse {
        fixed {
            payment_accepted: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            BK transaction_id: Option<String>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 18: where the item is; answers 17.
    ItemInformationResponse {
        fixed {
            circulation_status: CirculationStatus as CirculationStatus,
            security_marker: SecurityMarker as SecurityMarker,
            fee_type: FeeType as FeeType,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            CF hold_queue_length: Option<u16>,
            AH due_date: Option<VariableDate>,
            CJ recall_date: Option<VariableDate>,
            CM hold_pickup_date: Option<VariableDate>,
            AB item_identifier: String,
            AJ title_identifier: String,
            BG owner: Option<String>,
            BH currency_type: Option<Currency>,
            BV fee_amount: Option<String>,
            CK media_type: Option<MediaType>,
            AQ permanent_location: Option<String>,
            AP current_location: Option<String>,
            CH item_properties: Option<String>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 20: whether the properties are taken; answers 19.
    ItemStatusUpdateResponse {
        fixed {
            item_properties_ok: bool as OneZero,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AB item_identifier: String,
            AJ title_identifier: Option<String>,
            CH item_properties: Option<String>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 16: what became of the hold; answers 15.
    HoldResponse {
        fixed {
            ok: bool as OneZero,
            available: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            BW expiration_date: Option<VariableDate>,
            BR queue_position: Option<u16>,
            BS pickup_location: Option<String>,
            AO institution_id: String,
            AA patron_identifier: Private,
            AB item_identifier: Option<String>,
            AJ title_identifier: Option<String>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

message! {
    /// 66: which items may stay; answers 65.
    RenewAllResponse {
        fixed {
            ok: bool as OneZero,
            renewed_count: Option<u16> as Count,
            unrenewed_count: Option<u16> as Count,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            BM renewed_items: Vec<String>,
            BN unrenewed_items: Vec<String>,
            AF screen_message: Vec<String>,
            AG print_line: Vec<String>,
        }
    }
}

#[cfg(test)]
mod tests;

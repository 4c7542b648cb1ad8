//! What a self-checkout says to the library system. The tables are the standard's.

use crate::date::{SipDate, VariableDate};
use crate::field::Private;
use crate::fixed::YesNo;
use crate::item::{Currency, FeeType, PaymentType};
use crate::language::Language;
use crate::message::{direction, message};
use crate::patron::{HoldMode, Summary};
use crate::terminal::{Algorithm, PrintWidth, ScStatusCode, Version};

direction! {
    /// What a self-checkout (SC) says.
    Request {
        /// 23.
        b"23" PatronStatus(PatronStatusRequest),
        /// 11.
        b"11" Checkout(Checkout),
        /// 09.
        b"09" Checkin(Checkin),
        /// 01.
        b"01" BlockPatron(BlockPatron),
        /// 99.
        b"99" ScStatus(ScStatus),
        /// 97.
        b"97" RequestAcsResend(RequestAcsResend),
        /// 93.
        b"93" Login(Login),
        /// 63.
        b"63" PatronInformation(PatronInformation),
        /// 35.
        b"35" EndPatronSession(EndPatronSession),
        /// 37.
        b"37" FeePaid(FeePaid),
        /// 17.
        b"17" ItemInformation(ItemInformation),
        /// 19.
        b"19" ItemStatusUpdate(ItemStatusUpdate),
        /// 25.
        b"25" PatronEnable(PatronEnable),
        /// 15.
        b"15" Hold(Hold),
        /// 29.
        b"29" Renew(Renew),
        /// 65.
        b"65" RenewAll(RenewAll),
    }
}

message! {
    /// 23: may this patron borrow? Answered by 24.
    PatronStatusRequest {
        fixed {
            language: Language as Language,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AC terminal_password: Private,
            AD patron_password: Private,
        }
    }
}

message! {
    /// 11: this item is lent to this patron. Answered by 12.
    Checkout {
        fixed {
            sc_renewal_policy: bool as YesNo,
            no_block: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
            nb_due_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AB item_identifier: String,
            AC terminal_password: Private,
            CH item_properties: Option<String>,
            AD patron_password: Option<Private>,
            BO fee_acknowledged: Option<bool>,
            BI cancel: Option<bool>,
        }
    }
}

message! {
    /// 09: this item came back. Answered by 10.
    Checkin {
        fixed {
            no_block: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
            return_date: Option<SipDate> as SipDate,
        }
        fields {
            AP current_location: String,
            AO institution_id: String,
            AB item_identifier: String,
            AC terminal_password: Private,
            CH item_properties: Option<String>,
            BI cancel: Option<bool>,
        }
    }
}

message! {
    /// 01: this card is not to be accepted any more. Answered by 24.
    BlockPatron {
        fixed {
            card_retained: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AL blocked_card_message: String,
            AA patron_identifier: Private,
            AC terminal_password: Private,
        }
    }
}

message! {
    /// 99: how the machine is, and are you there? Answered by 98.
    ScStatus {
        fixed {
            status_code: ScStatusCode as ScStatusCode,
            max_print_width: u16 as PrintWidth,
            protocol_version: Version as Version,
        }
        fields {}
    }
}

message! {
    /// 97: the last answer was not understood; it is given again, without a new AY.
    RequestAcsResend {
        fixed {}
        fields {}
    }
}

message! {
    /// 93: who the machine is. Answered by 94.
    Login {
        fixed {
            uid_algorithm: Algorithm as Algorithm,
            pwd_algorithm: Algorithm as Algorithm,
        }
        fields {
            CN login_user_id: String,
            CO login_password: Private,
            CP location_code: Option<String>,
        }
    }
}

message! {
    /// 63: what this patron has, and how it stands. Answered by 64.
    PatronInformation {
        fixed {
            language: Language as Language,
            transaction_date: Option<SipDate> as SipDate,
            summary: Option<Summary> as Summary,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AC terminal_password: Option<Private>,
            AD patron_password: Option<Private>,
            BP start_item: Option<u16>,
            BQ end_item: Option<u16>,
        }
    }
}

message! {
    /// 35: the patron is done. Answered by 36.
    EndPatronSession {
        fixed {
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AC terminal_password: Option<Private>,
            AD patron_password: Option<Private>,
        }
    }
}

message! {
    /// 37: this patron paid a fee. Answered by 38.
    FeePaid {
        fixed {
            transaction_date: Option<SipDate> as SipDate,
            fee_type: FeeType as FeeType,
            payment_type: PaymentType as PaymentType,
            currency_type: Currency as Currency,
        }
        fields {
            BV fee_amount: String,
            AO institution_id: String,
            AA patron_identifier: Private,
            AC terminal_password: Option<Private>,
            AD patron_password: Option<Private>,
            CG fee_identifier: Option<String>,
            BK transaction_id: Option<String>,
        }
    }
}

message! {
    /// 17: what about this item? Answered by 18.
    ItemInformation {
        fixed {
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AB item_identifier: String,
            AC terminal_password: Option<Private>,
        }
    }
}

message! {
    /// 19: this item's properties are to be these. Answered by 20.
    ItemStatusUpdate {
        fixed {
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AB item_identifier: String,
            AC terminal_password: Option<Private>,
            CH item_properties: String,
        }
    }
}

message! {
    /// 25: this card is good again. Answered by 26.
    PatronEnable {
        fixed {
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AC terminal_password: Option<Private>,
            AD patron_password: Option<Private>,
        }
    }
}

message! {
    /// 15: a hold of this patron is placed, changed or taken back. Answered by 16.
    Hold {
        fixed {
            hold_mode: HoldMode as HoldMode,
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            BW expiration_date: Option<VariableDate>,
            BS pickup_location: Option<String>,
            BY hold_type: Option<String>,
            AO institution_id: String,
            AA patron_identifier: Private,
            AD patron_password: Option<Private>,
            AB item_identifier: Option<String>,
            AJ title_identifier: Option<String>,
            AC terminal_password: Option<Private>,
            BO fee_acknowledged: Option<bool>,
        }
    }
}

message! {
    /// 29: this patron keeps this item longer. Answered by 30.
    Renew {
        fixed {
            third_party_allowed: bool as YesNo,
            no_block: bool as YesNo,
            transaction_date: Option<SipDate> as SipDate,
            nb_due_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AD patron_password: Option<Private>,
            AB item_identifier: Option<String>,
            AJ title_identifier: Option<String>,
            AC terminal_password: Option<Private>,
            CH item_properties: Option<String>,
            BO fee_acknowledged: Option<bool>,
        }
    }
}

message! {
    /// 65: this patron keeps all items longer. Answered by 66.
    RenewAll {
        fixed {
            transaction_date: Option<SipDate> as SipDate,
        }
        fields {
            AO institution_id: String,
            AA patron_identifier: Private,
            AD patron_password: Option<Private>,
            AC terminal_password: Option<Private>,
            BO fee_acknowledged: Option<bool>,
        }
    }
}

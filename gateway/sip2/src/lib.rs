//! SIP2 (3M Standard Interchange Protocol 2.00): bytes <-> values. Nothing here touches a socket,
//! a file or a clock.

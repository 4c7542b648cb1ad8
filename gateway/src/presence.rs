//! What is known of devices right now: link, status, last words.

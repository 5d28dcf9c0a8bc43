//! The four transaction machines of RFC 3261 §17 with RFC 6026. They absorb retransmissions and
//! send ours; they never decide what a request means. The state tables stand in each file.

pub(crate) mod client;
pub(crate) mod matching;
pub(crate) mod server;

//! Who works with the gateway and what each may do. It knows no socket and no file; it never holds a
//! caller's data.

mod role;

pub use role::{Role, RoleError};

//! Who may come in: accounts, their passwords' stored forms, and the proofs.
//!
//! Not here: the packets of a proof (`login`), privileges (`sql`).

mod account;
mod cache;
mod crypt;
mod oaep;
mod proof;

pub use account::{Account, AccountName, Accounts, Plugin};
pub(crate) use cache::Verifiers;
pub(crate) use crypt::{decoy, is_password, verifier};
pub use crypt::{hash_password, new_salt};
pub(crate) use oaep::decrypt;
pub(crate) use proof::{is_native_proof, is_sha2_proof, unmask};

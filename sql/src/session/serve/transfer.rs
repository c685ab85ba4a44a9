//! A client's file on its way into a table.
//!
//! - Where a load errs, or is killed, the client goes on sending. What is left is read
//!   and forgotten before the error is written (`wire::infile` F1).
//!
//! Not here: what the file's bytes mean (`exec::load`).

use std::sync::Arc;

use holdfast_wire::WireError;

use super::super::run::Outcome;
use super::Client;
use crate::error::{Result, SqlError};
use crate::exec::load::Load;

impl Client {
    /// Takes the file to its end.
    pub(super) async fn load(&mut self, load: &mut Load) -> Result<Result<Outcome>, WireError> {
        let known = Arc::clone(&self.entered.known);
        let killed = || SqlError::new(1317, "Query execution was interrupted");
        loop {
            let chunk = tokio::select! {
                biased;
                () = known.killed() => return Ok(Err(killed())),
                chunk = self.connection.next_infile_chunk() => chunk?,
            };
            let session = &mut self.session;
            let step = async {
                match &chunk {
                    Some(chunk) => session.load_more(load, chunk).await.map(|()| None),
                    None => session.end_load(load).await.map(Some),
                }
            };
            let step = tokio::select! {
                biased;
                step = step => step,
                () = known.killed() => Err(killed()),
                // K3
                () = self.connection.gone() => return Err(WireError::Gone),
            };
            match step {
                Ok(None) => {}
                Ok(Some(outcome)) => return Ok(Ok(outcome)),
                Err(error) if chunk.is_none() && error.code == 1317 => {
                    let done = self.session.after_interruption().await;
                    return Ok(match done {
                        Ok(Some(done)) => Ok(done),
                        Ok(None) => Err(error),
                        Err(unknown) => Err(unknown),
                    });
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

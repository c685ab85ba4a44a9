//! The watch: is this still the drive that was opened, and how full is it?
//!
//! A directory that was emptied, replaced or formatted anew under the process is
//! noticed within a second, also where open files would go on working.
//!
//! Not here: what being offline means (`health`).

use std::sync::Arc;

use holdfast_api::drive::DriveError;

use super::identity::{self, IdentityError};
use super::shared::Shared;

/// This many looks in a row that saw nothing take the drive offline.
const BLIND_MAX: u32 = 3;

/// Looks again and again until the store closes or the drive fails.
pub async fn run(shared: Arc<Shared>) {
    let mut blind = 0;
    loop {
        match look(&shared).await {
            Ok(()) => blind = 0,
            Err(error) => {
                blind += 1;
                tracing::warn!(drive = shared.drive.name(), %error, "could not look after the drive");
                if blind >= BLIND_MAX {
                    shared.health.fail(&format!("its identity cannot be read: {error}"));
                }
            }
        }
        if !shared.pause(shared.options.watch_every).await {
            return;
        }
    }
}

/// Looks once; takes the drive offline if it is another one.
async fn look(shared: &Shared) -> Result<(), DriveError> {
    let health = &shared.health;
    health.call(shared.drive.verify()).await?;
    let checked = health.call(async {
        match identity::read(&shared.drive).await {
            Ok(found) => Ok(found.check(shared.drive.name(), &shared.identity)),
            Err(IdentityError::Disk { source, .. }) => Err(source),
            Err(other) => Ok(Err(other)),
        }
    });
    if let Err(other) = checked.await? {
        health.fail(&other.to_string());
        return Err(health.why());
    }
    shared.saw_space(health.call(shared.drive.space()).await?);
    Ok(())
}

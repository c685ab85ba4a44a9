//! Taking office: a new epoch, and everything that the log still holds.
//!
//! ```text
//! grant -> bounds -> read truncated..last -> (wait one lease) -> serve
//! ```
//!
//! - S1: nothing is served before every record up to this node's own grant was
//!   learned; the grant fences earlier writers, so that no more can follow.
//! - S2: a record that does not decode, or does not follow the one before, stops the
//!   start: guessing would lose changes.
//! - S3: what was truncated away is not remembered: the horizons begin below the
//!   first record that is left. If none is left, the highest timestamp must come
//!   from elsewhere (`TxnConfig::floor`), else timestamps could be given twice.

use std::time::Duration;

use holdfast_api::log::{LogBounds, LogError, LogRecord};
use holdfast_api::txn::{TxnError, TxnRecord};
use holdfast_base::{ByteCount, Epoch, Lsn, Remedy, Ts};

use crate::config::TxnConfig;
use crate::core::Core;
use crate::core::hash::Seeded;

/// How much is read at once. [bytes]
const READ_BYTES: ByteCount = ByteCount(4 << 20);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Calls `$call` until it answers something final, or the patience is over.
macro_rules! insist {
    ($config:expr, $end:expr, $call:expr) => {
        loop {
            match $call.await {
                Ok(value) => break value,
                Err(error) if may_retry(&error, $config, $end) => {
                    $config.clock.sleep(PAUSE).await;
                }
                Err(error) => return Err(TxnError::Log(error)),
            }
        }
    };
}

fn may_retry(error: &LogError, config: &TxnConfig, end: Duration) -> bool {
    error.remedy() == Remedy::RetryHere && config.clock.monotonic() < end
}

/// A core that knows what the log holds, in its own epoch (S1).
pub async fn take_office(config: &TxnConfig) -> Result<(Core, Epoch), TxnError> {
    let end = config.clock.monotonic() + config.start_patience;
    // A grant that was not answered may have been given: the next one fences it.
    let epoch = insist!(config, end, config.log.grant());
    let granted = config.clock.monotonic();
    let bounds = insist!(config, end, config.log.bounds());
    if bounds.epoch != epoch {
        return Err(LogError::Fenced { given: epoch, current: bounds.epoch }.into());
    }
    let hashing = Seeded(config.rng.next_u64());
    let mut core: Option<Core> = None;
    let mut after = bounds.truncated;
    while after < bounds.last {
        let records = insist!(config, end, config.log.read(after, READ_BYTES));
        let Some(last) = records.last() else {
            return Err(stopped(format!("the log ends at {after:?}, not at {:?}", bounds.last)));
        };
        after = last.lsn;
        for record in &records {
            learn(&mut core, record, (config, hashing, &bounds))?;
        }
    }
    let mut core = match core {
        Some(core) => core,
        None if bounds.truncated > Lsn::default() && config.floor == Ts(0) => {
            return Err(stopped("the log was truncated to its end: no timestamp is known".into()));
        }
        None => Core::new(config.floor, config.limits.core(), hashing),
    };
    core.begin(epoch);
    if let (Some(lease), true) = (config.lease, epoch > Epoch(1)) {
        // Whoever served before may answer for so long; a tenth more, for clocks that drift.
        let until = granted + lease + lease / 10;
        config.clock.sleep(until.saturating_sub(config.clock.monotonic())).await;
    }
    Ok((core, epoch))
}

fn learn(
    core: &mut Option<Core>,
    record: &LogRecord,
    about: (&TxnConfig, Seeded, &LogBounds),
) -> Result<(), TxnError> {
    let (config, hashing, bounds) = about;
    for bytes in &record.records {
        let at = record.lsn;
        let decoded = TxnRecord::decode(bytes)
            .map_err(|error| stopped(format!("the record at {at:?} is not to be read: {error}")))?;
        let core = core.get_or_insert_with(|| {
            let is_whole = bounds.truncated == Lsn::default();
            let below = if is_whole { Ts(0) } else { Ts(decoded.ts.0.saturating_sub(1)) };
            Core::new(below, config.limits.core(), hashing)
        });
        core.learn(&decoded, at).map_err(stopped)?;
    }
    Ok(())
}

fn stopped(why: String) -> TxnError {
    TxnError::Stopped(why)
}

//! `GET /v1/status`: everything that `holdfast admin status` shows, as one document.
//!
//! - T1: figures that could not be had within the deadline are absent, and a
//!   warning says so; the rest is shown. A status that hangs helps nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use holdfast_api::drive::{DriveState, DriveStatus};
use holdfast_api::meta::{Answer, DriveRecord, MetaError, MetaStatus, Query};
use holdfast_api::object::StoreStatus;
use holdfast_base::DriveNo;
use holdfast_cache::CacheStatus;
use holdfast_io::clock::deadline;
use holdfast_sql::status::DatabaseStatus;
use serde::{Deserialize, Serialize};

use super::access_keys::running;
use super::state::{Admin, Running};
use super::verify::Verification;
use super::warnings;

/// How long one question to the metadata may take. (T1)
const LIMIT: Duration = Duration::from_secs(3);

/// The document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The server's version.
    pub version: String,
    /// The commit that it was built from, `-dirty` if its sources had changes.
    pub commit: Option<String>,
    /// The cluster.
    pub cluster: String,
    /// The node that answers.
    pub node: String,
    /// How long it has run. [s]
    pub uptime_s: u64,
    /// The region.
    pub region: String,
    /// Where it listens.
    pub endpoints: Endpoints,
    /// What a person should know first.
    pub warnings: Vec<String>,
    /// What may be lost now without losing data.
    pub redundancy: Redundancy,
    /// Objects and bytes by bucket.
    pub usage: Vec<BucketUsage>,
    /// Every drive slot, those without a drive too.
    pub drives: Vec<DriveRow>,
    /// The store's own figures.
    pub store: StoreStatus,
    /// The metadata's own figures.
    pub meta: Option<MetaStatus>,
    /// The database's own figures, where MySQL clients are answered.
    #[serde(default)]
    pub database: Option<DatabaseStatus>,
    /// The cache of objects on a local disk, where there is one.
    #[serde(default)]
    pub cache: Option<CacheStatus>,
    /// The last verification that was asked for.
    pub verification: Verification,
}

/// Where a server listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoints {
    /// S3's URL.
    pub s3: String,
    /// The admin port's URL.
    pub admin: String,
    /// Where MySQL clients are answered, and by which account.
    #[serde(default)]
    pub mysql: Option<String>,
}

/// What may be lost now without losing data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Redundancy {
    /// Every blob has all its shards, as far as is known: nothing is queued, no slot is
    /// empty or healing.
    pub shards_complete: bool,
    /// How many more drives may be lost, whichever they are.
    pub survives_drives: usize,
    /// Whether any one device may be lost.
    pub survives_a_device: bool,
    /// Devices under the drives.
    pub devices: usize,
    /// Blobs that wait for a heal.
    pub heal_queued: u64,
}

/// Objects and bytes of a bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BucketUsage {
    /// Its name.
    pub bucket: String,
    /// Objects.
    pub objects: u64,
    /// Their sizes. [bytes]
    pub bytes: u64,
}

/// A drive slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DriveRow {
    /// The slot.
    pub no: u16,
    /// The drive's formatting.
    pub id: String,
    /// Its path.
    pub path: String,
    /// `online`, `healing`, `offline` (the process let go of it) or `missing`.
    pub state: String,
    /// Why it is not online.
    pub why: Option<String>,
    /// It may lack shards until a heal has verified it.
    pub healing: bool,
    /// `MAJOR:MINOR` of the device below.
    pub device: Option<String>,
    /// How it is reached.
    pub backend: Option<String>,
    /// The file system's size. [bytes]
    pub total: u64,
    /// Free in it. [bytes]
    pub free: u64,
    /// Live shards. [bytes]
    pub used: u64,
    /// Number of live shards.
    pub shards: u64,
    /// Operations that went wrong since it was opened.
    pub errors: u64,
    /// Read from it since it was opened. [bytes]
    #[serde(default)]
    pub read: u64,
    /// Written to it since it was opened. [bytes]
    #[serde(default)]
    pub written: u64,
}

/// `GET /v1/status`
pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Result<Response, Response> {
    let running = running(&admin)?;
    Ok(Json(collect(&admin, running).await).into_response())
}

pub(super) async fn collect(admin: &Admin, running: &Running) -> Status {
    let asked = Asked::of(admin, running).await;
    let store = running.store().status();
    let drives = rows(&asked.drives, &store.drives);
    let facts = &running.facts;
    let scheme = if facts.tls { "https" } else { "http" };
    let mut status = Status {
        version: crate::version::SHORT.into(),
        commit: crate::version::COMMIT.map(Into::into),
        cluster: facts.cluster.to_string(),
        node: facts.node.to_string(),
        uptime_s: (admin.clock.monotonic() - admin.started).as_secs(),
        region: facts.region.clone(),
        endpoints: Endpoints {
            s3: format!("{scheme}://{}", facts.s3),
            admin: format!("{scheme}://{}", facts.admin),
            mysql: facts.mysql.map(|address| format!("mysql://root@{address}")),
        },
        warnings: Vec::new(),
        redundancy: redundancy(&drives, &store, &asked, facts.parity),
        usage: asked.usage,
        drives,
        store,
        meta: asked.meta,
        database: running.engine.as_ref().map(|engine| engine.status()),
        cache: running.cache.as_ref().map(|cache| cache.status()),
        verification: running.verifier.status(),
    };
    status.warnings = warnings::of(&status, facts, &asked.trouble);
    status
}

/// What the metadata told, within its deadlines.
#[derive(Default)]
struct Asked {
    meta: Option<MetaStatus>,
    drives: Vec<DriveRecord>,
    usage: Vec<BucketUsage>,
    spare: Option<u8>,
    queued: u64,
    trouble: Option<String>,
}

impl Asked {
    async fn of(admin: &Admin, running: &Running) -> Self {
        let mut asked = Self::default();
        let queries = [Query::Status, Query::Drives, Query::Usage, Query::HealQueue { limit: 1 }];
        for query in queries {
            let answer = deadline(&admin.clock, LIMIT, running.meta.query(query)).await;
            match answer.unwrap_or(Err(MetaError::Unavailable(LIMIT.as_millis() as u64))) {
                Ok(answer) => asked.take(answer),
                Err(error) => {
                    asked.trouble = Some(error.to_string());
                    break;
                }
            }
        }
        asked
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Status(status) => self.meta = Some(status),
            Answer::Drives(drives) => self.drives = drives,
            Answer::Usage(usage) => {
                let row = |(bucket, usage): (holdfast_api::meta::Bucket, _)| {
                    let usage: holdfast_api::meta::Usage = usage;
                    let (objects, bytes) = (usage.objects, usage.bytes.0);
                    BucketUsage { bucket: bucket.name, objects, bytes }
                };
                self.usage = usage.into_iter().map(row).collect();
            }
            Answer::Heal { entries, queued } => {
                self.spare = entries.first().map(|entry| entry.spare);
                self.queued = queued;
            }
            _ => {}
        }
    }
}

fn rows(slots: &[DriveRecord], open: &[DriveStatus]) -> Vec<DriveRow> {
    let mut by_no: BTreeMap<DriveNo, (Option<&DriveRecord>, Option<&DriveStatus>)> =
        slots.iter().map(|slot| (slot.no, (Some(slot), None))).collect();
    for drive in open {
        by_no.entry(drive.no).or_default().1 = Some(drive);
    }
    by_no.into_iter().map(|(no, (slot, drive))| row(no, slot, drive)).collect()
}

fn row(no: DriveNo, slot: Option<&DriveRecord>, drive: Option<&DriveStatus>) -> DriveRow {
    let healing = slot.is_some_and(|slot| slot.healing);
    let (state, why) = match drive.map(|drive| &drive.state) {
        Some(DriveState::Online) if healing => ("healing", None),
        Some(DriveState::Online) => ("online", None),
        Some(DriveState::Offline(why)) => ("offline", Some(why.clone())),
        None => ("missing", None),
    };
    let id = drive.and_then(|drive| drive.id).or(slot.map(|slot| slot.id));
    let path = drive.map(|drive| drive.path.clone()).or(slot.map(|slot| slot.path.clone()));
    let count = |get: fn(&DriveStatus) -> u64| drive.map_or(0, get);
    DriveRow {
        no: no.0,
        id: id.map(|id| id.to_string()).unwrap_or_default(),
        path: path.unwrap_or_default(),
        state: state.into(),
        why,
        healing,
        device: drive.map(|drive| device_name(drive.device)),
        backend: drive.map(|drive| drive.backend.clone()),
        total: count(|drive| drive.total.0),
        free: count(|drive| drive.free.0),
        used: count(|drive| drive.used.0),
        shards: count(|drive| drive.shards),
        errors: count(|drive| drive.errors),
        read: count(|drive| drive.read.0),
        written: count(|drive| drive.written.0),
    }
}

/// `MAJOR:MINOR` of a `st_dev`, as Linux encodes it.
fn device_name(device: u64) -> String {
    let major = (device >> 32 & 0xffff_f000) | (device >> 8 & 0xfff);
    let minor = (device >> 12 & 0xffff_ff00) | (device & 0xff);
    format!("{major}:{minor}")
}

fn redundancy(
    drives: &[DriveRow],
    store: &StoreStatus,
    asked: &Asked,
    parity: usize,
) -> Redundancy {
    let out = drives.iter().filter(|drive| drive.state != "online").count();
    let mut survives = parity.saturating_sub(out);
    if let Some(spare) = asked.spare {
        survives = survives.min(spare.into());
    }
    let mut by_device: BTreeMap<&str, usize> = BTreeMap::new();
    for device in drives.iter().filter_map(|drive| drive.device.as_deref()) {
        *by_device.entry(device).or_default() += 1;
    }
    let largest = by_device.values().copied().max().unwrap_or(usize::MAX);
    Redundancy {
        shards_complete: out == 0
            && asked.queued == 0
            && store.heal.is_none()
            && asked.meta.is_some(),
        survives_drives: survives,
        survives_a_device: largest <= survives,
        devices: by_device.len(),
        heal_queued: asked.queued,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_base::{ByteCount, DriveId, NodeId};

    fn slot(no: u16, healing: bool) -> DriveRecord {
        let (no, id, node) = (DriveNo(no), DriveId([no as u8; 16]), NodeId([0; 16]));
        DriveRecord { no, id, node, path: format!("/d{no}"), healing }
    }

    fn open(no: u16, device: u64, state: DriveState) -> DriveStatus {
        DriveStatus {
            no: DriveNo(no),
            id: None,
            path: format!("/d{no}"),
            state,
            device,
            backend: "threads".into(),
            total: ByteCount(100),
            free: ByteCount(60),
            used: ByteCount(30),
            shards: 3,
            errors: 0,
            read: ByteCount(0),
            written: ByteCount(0),
        }
    }

    fn verdict(
        slots: &[DriveRecord],
        open: &[DriveStatus],
        spare: Option<u8>,
    ) -> (bool, usize, bool) {
        let meta = Some(MetaStatus::default());
        let queued = u64::from(spare.is_some());
        let asked = Asked { meta, spare, queued, ..Asked::default() };
        let got = redundancy(&rows(slots, open), &StoreStatus::default(), &asked, 2);
        (got.shards_complete, got.survives_drives, got.survives_a_device)
    }

    #[test]
    fn redundancy_counts_what_is_really_there() {
        let slots: Vec<_> = (0..6).map(|no| slot(no, false)).collect();
        let on = |device: fn(u16) -> u64| -> Vec<_> {
            (0..6).map(|no| open(no, device(no), DriveState::Online)).collect()
        };
        assert_eq!(verdict(&slots, &on(|no| no.into()), None), (true, 2, true));
        assert_eq!(verdict(&slots, &on(|_| 1), None), (true, 2, false), "one device");
        assert_eq!(verdict(&slots, &on(|no| (no / 2).into()), None), (true, 2, true), "pairs");
        assert_eq!(verdict(&slots, &on(|no| no.into())[1..], None), (false, 1, true), "missing");
        assert_eq!(verdict(&slots, &on(|no| no.into()), Some(0)), (false, 0, false), "queued");
        let mut gone = on(|no| no.into());
        for drive in &mut gone[..3] {
            drive.state = DriveState::Offline("gone".into());
        }
        assert_eq!(verdict(&slots, &gone, None), (false, 0, false), "beyond the parity");
        let healing: Vec<_> = (0..6).map(|no| slot(no, no == 0)).collect();
        assert_eq!(verdict(&healing, &on(|no| no.into()), None), (false, 1, true), "healing");
    }

    #[test]
    fn a_slot_without_a_drive_is_shown_as_missing() {
        let row = &rows(&[slot(4, true)], &[])[0];
        assert_eq!((row.no, row.state.as_str(), row.path.as_str()), (4, "missing", "/d4"));
    }

    #[test]
    fn devices_have_their_usual_names() {
        assert_eq!(device_name(0x0801), "8:1");
        assert_eq!(device_name(0x1_0300), "259:0");
        assert_eq!(device_name(0x10_0811), "8:273");
    }
}
